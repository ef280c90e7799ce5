package keyrotation.infrastructure;

import java.nio.file.Path;

/**
 * The archives that the stack deploys.
 *
 * @param rotation that of the function that rotates keys
 * @param tokens that of the function that makes tokens
 */
record Archives(Path rotation, Path tokens) {}
