/** Stand-ins for what the function meets in the cloud: Momento, Secrets Manager, Lambda. */
@NullMarked
package keyrotation.sandbox;

import org.jspecify.annotations.NullMarked;
