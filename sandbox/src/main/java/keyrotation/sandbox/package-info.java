/** Stand-ins for Momento, Secrets Manager and Lambda. */
@NullMarked
package keyrotation.sandbox;

import org.jspecify.annotations.NullMarked;
