// Prints the SBOM of a function's archive: what the CycloneDX plugin lists, less the jars that the
// archive leaves out. The arguments are the module's folder and the descriptor that leaves them out.
// Fails unless the plugin has listed the jars of the module's class path, and no others.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const [module, descriptor] = process.argv.slice(2);

const sbom = JSON.parse(readFileSync(`${module}/target/bom.json`, "utf8"));
const classPath = readFileSync(`${module}/target/class-path`, "utf8").trim().split(":");
const leftOut = new Set(
  [...readFileSync(descriptor, "utf8").matchAll(/<exclude>([\w.-]+:[\w.-]+)</g)].map((m) => m[1]),
);

const listed = sbom.components.map(({ name, version }) => `${name}-${version}.jar`).sort();
const jars = classPath.map((path) => basename(path)).sort();
if (listed.join() !== jars.join()) {
  const others = [...new Set([...listed, ...jars])].filter(
    (jar) => !listed.includes(jar) || !jars.includes(jar),
  );
  console.error(`The SBOM of ${module} and its class path differ in: ${others.join(", ")}`);
  process.exit(1);
}

const isPacked = ({ group, name }) => !leftOut.has(`${group}:${name}`);
const gone = new Set(sbom.components.filter((c) => !isPacked(c)).map((c) => c["bom-ref"]));
const isThere = (ref) => !gone.has(ref);
for (const component of sbom.components) {
  component.hashes = component.hashes.filter(({ alg }) => alg === "SHA-256");
}
sbom.components = sbom.components.filter(isPacked);
sbom.dependencies = sbom.dependencies
  .filter(({ ref }) => isThere(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(isThere) }));
console.log(JSON.stringify(sbom, null, 2));
