// Checks Kubernetes manifests: node check-manifests.cjs PACKAGES SCHEMA… < manifests.yaml
// PACKAGES is a folder with kubernetes-models, typescript, yaml and ajv in its node_modules; each SCHEMA describes the kinds of one operator.
// Prints {"checked": ["Kind/name", …], "faults": ["Kind/name: what is wrong", …]}.
//
// Kinds of Kubernetes are held to kubernetes-models, which is made from Kubernetes' own OpenAPI description: its validators know
// required keys, types and formats; its TypeScript types also refuse a key that the kind does not have.
const fs = require("node:fs");
const path = require("node:path");

const modules = path.join(process.argv[2], "node_modules");
const load = name => require(path.join(modules, name));
const YAML = load("yaml");
const ts = load("typescript");
const Ajv = load("ajv").default;

const schemas = process.argv.slice(3).map(file => JSON.parse(fs.readFileSync(file, "utf8")));
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
schemas.forEach((schema, i) => ajv.addSchema(schema, `operator${i}`));

const groupOf = version => version.split("/")[0];
const groups = schemas.map(schema => groupOf(Object.values(schema.definitions).find(kind => kind.properties?.apiVersion?.const).properties.apiVersion.const));

const nameOf = manifest => `${manifest.kind}/${manifest.metadata?.name}`;

/** Faults that the validators of kubernetes-models, or our schemas of operators' kinds, find in one manifest. */
function validate(manifest) {
  const operator = groups.indexOf(groupOf(manifest.apiVersion));
  if (operator >= 0) {
    const check = ajv.getSchema(`operator${operator}#/definitions/${manifest.kind}`);
    if (!check) return [`the schema of ${groups[operator]} does not describe ${manifest.kind}`];
    return check(manifest) ? [] : check.errors.map(error => `${error.instancePath || "/"} ${error.message} ${JSON.stringify(error.params)}`);
  }
  const file = path.join(modules, "kubernetes-models", manifest.apiVersion, `${manifest.kind}.js`);
  if (!fs.existsSync(file)) return [`Kubernetes has no ${manifest.kind} in ${manifest.apiVersion}`];
  try {
    new (require(file)[manifest.kind])(manifest).validate();
    return [];
  } catch (failure) {
    return [failure.message];
  }
}

/** Faults that the compiler finds when each manifest is written as a literal of its kind's type. */
function compile(manifests) {
  const source = manifests
    .map((manifest, i) => `import type { I${manifest.kind} as T${i} } from "kubernetes-models/${manifest.apiVersion}/${manifest.kind}";\nexport const m${i}: T${i} = ${JSON.stringify(manifest)};`)
    .join("\n");
  const file = path.join(process.argv[2], "manifests.ts");
  const options = { noEmit: true, strict: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10 };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = name => name === file || fileExists(name);
  host.getSourceFile = (name, ...rest) => (name === file ? ts.createSourceFile(name, source, options.target) : getSourceFile(name, ...rest));
  return ts.getPreEmitDiagnostics(ts.createProgram([file], options, host)).map(diagnostic => {
    // Each manifest has two lines; the second one holds it.
    const line = diagnostic.file ? diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start).line : -1;
    const owner = line < 0 ? "compiler" : nameOf(manifests[line >> 1]);
    return `${owner}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, " ")}`;
  });
}

const manifests = YAML.parseAllDocuments(fs.readFileSync(0, "utf8"), { version: "1.1" }).map(document => {
  if (document.errors.length !== 0) throw document.errors[0];
  return document.toJS();
});
const faults = manifests.flatMap(manifest => validate(manifest).map(fault => `${nameOf(manifest)}: ${fault}`));
const known = manifests.filter(manifest => fs.existsSync(path.join(modules, "kubernetes-models", manifest.apiVersion, `${manifest.kind}.js`)));
faults.push(...compile(known));
console.log(JSON.stringify({ checked: manifests.map(nameOf), faults }));
