/** Momento: its keys, and the calls to its control plane. */
@NullMarked
package keyrotation.momento;

import org.jspecify.annotations.NullMarked;
