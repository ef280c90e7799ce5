/** What all packages share: failures, requests, time limits and values that stay hidden. */
@NullMarked
package keyrotation.core;

import org.jspecify.annotations.NullMarked;
