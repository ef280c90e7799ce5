/** The calls to AWS Secrets Manager, and its terms. */
@NullMarked
package keyrotation.secretsmanager;

import org.jspecify.annotations.NullMarked;
