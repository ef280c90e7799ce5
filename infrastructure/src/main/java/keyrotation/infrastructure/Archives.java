package keyrotation.infrastructure;

import java.nio.file.Path;
import java.util.Optional;
import software.amazon.awscdk.services.lambda.Code;

/**
 * The archives of the functions.
 *
 * @param rotation that of the function that rotates keys
 * @param tokens that of the function that makes tokens; needed only if there is such a function
 */
record Archives(Code rotation, Optional<Path> tokens) {}
