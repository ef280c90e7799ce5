package keyrotation.sandbox.cloudwatch;

/** A metric without dimensions, or with the only ones that a template uses for it. */
public record MetricName(String namespace, String name) {}
