/**
 * Applies the metric filters and alarms of a CloudFormation template to a log, as CloudWatch does.
 */
@NullMarked
package keyrotation.sandbox.cloudwatch;

import org.jspecify.annotations.NullMarked;
