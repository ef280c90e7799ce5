/**
 * The rotation of a secret: what happens in which order, and what each version of a secret is for.
 */
@NullMarked
package keyrotation.rotation;

import org.jspecify.annotations.NullMarked;
