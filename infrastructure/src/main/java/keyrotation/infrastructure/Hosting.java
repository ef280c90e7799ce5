package keyrotation.infrastructure;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import software.amazon.awscdk.services.lambda.Architecture;

/**
 * How the functions are hosted: what the rules of a company may ask for.
 *
 * @param network the network of the functions; if empty, Lambda's own
 * @param permissionsBoundaryArn the managed policy that limits each role
 * @param rolePath the path of each role
 * @param tags the tags of each resource that can have tags
 * @param kmsKeyArn the key that encrypts the logs, queues and topics; AWS's own keys if empty
 * @param size of the function that rotates keys
 */
record Hosting(
    Optional<Network> network,
    Optional<String> permissionsBoundaryArn,
    Optional<String> rolePath,
    Map<String, String> tags,
    Optional<String> kmsKeyArn,
    Logs logs,
    Size size,
    Architecture architecture,
    boolean snapStart) {

  /** Subnets and security groups of a VPC. */
  record Network(List<String> subnetIds, List<String> securityGroupIds) {

    /** Copies the lists. */
    Network {
      subnetIds = List.copyOf(subnetIds);
      securityGroupIds = List.copyOf(securityGroupIds);
    }
  }

  /**
   * How long logs are kept.
   *
   * @param retentionInDays for how many days a line is kept
   * @param remain whether the log groups remain when the stack is deleted
   */
  record Logs(int retentionInDays, boolean remain) {}

  /** The memory, in megabytes, and the longest time that an invocation may take, in seconds. */
  record Size(int memory, int timeout) {}

  /** Copies the tags. */
  Hosting {
    // Sorted, so that each synthesis writes the same template.
    tags = Collections.unmodifiableMap(new TreeMap<>(tags));
  }
}
