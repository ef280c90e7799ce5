/** The CDK app that puts the function into an AWS account. */
@NullMarked
package keyrotation.infrastructure;

import org.jspecify.annotations.NullMarked;
