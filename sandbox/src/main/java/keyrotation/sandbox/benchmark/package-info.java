/** The benchmark of the function, in processes of its own and compared with a function for Node. */
@NullMarked
package keyrotation.sandbox.benchmark;

import org.jspecify.annotations.NullMarked;
