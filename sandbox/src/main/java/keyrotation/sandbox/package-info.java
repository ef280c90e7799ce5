/** Stand-ins for Momento, Secrets Manager, Lambda and API Gateway. */
@NullMarked
package keyrotation.sandbox;

import org.jspecify.annotations.NullMarked;
