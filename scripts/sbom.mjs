// Prints the SBOM of a function's archive: what the CycloneDX plugin lists, less the jars that the
// archive leaves out. The arguments are the module's folder and the descriptor that leaves them out.
// Fails unless these are the jars of the module's class path that the archive has.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const [module, descriptor] = process.argv.slice(2);

const sbom = JSON.parse(readFileSync(`${module}/target/bom.json`, "utf8"));
const classPath = readFileSync(`${module}/target/class-path`, "utf8").trim().split(":");
const leftOut = [...readFileSync(descriptor, "utf8").matchAll(/<exclude>([\w.-]+):([\w.-]+)</g)].map(
  ([, group, name]) => ({ group, name }),
);

const isPacked = (jar) => !leftOut.some(({ group, name }) => group === jar.group && name === jar.name);
const gone = new Set(sbom.components.filter((jar) => !isPacked(jar)).map((jar) => jar["bom-ref"]));
const isThere = (ref) => !gone.has(ref);
for (const jar of sbom.components) {
  // This project's own jars are published nowhere, and depend on the umask.
  const isOwn = jar.group === sbom.metadata.component.group;
  jar.hashes = isOwn ? undefined : jar.hashes.filter(({ alg }) => alg === "SHA-256");
}
sbom.components = sbom.components.filter(isPacked);
sbom.dependencies = sbom.dependencies
  .filter(({ ref }) => isThere(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(isThere) }));

const packed = classPath
  .filter((path) =>
    leftOut.every(({ group, name }) => !path.includes(`/${group.replaceAll(".", "/")}/${name}/`)),
  )
  .map((path) => basename(path));
const listed = sbom.components.map(({ name, version }) => `${name}-${version}.jar`);
const wrong = [
  ...packed.filter((jar) => !listed.includes(jar)),
  ...listed.filter((jar) => !packed.includes(jar)),
];
if (wrong.length > 0) {
  console.error(`The archive of ${module} and its SBOM differ in: ${wrong.join(", ")}`);
  process.exit(1);
}
console.log(JSON.stringify(sbom, null, 2));
