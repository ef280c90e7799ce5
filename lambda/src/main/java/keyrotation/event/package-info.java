/** The events that start the function. */
@NullMarked
package keyrotation.event;

import org.jspecify.annotations.NullMarked;
