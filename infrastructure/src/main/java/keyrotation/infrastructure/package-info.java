/** The CDK app that deploys the function. */
@NullMarked
package keyrotation.infrastructure;

import org.jspecify.annotations.NullMarked;
