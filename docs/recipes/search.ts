// Pages found by question, by question and filter, by question and words; and where a page matched.
//
// WEAVIATE_HTTP, WEAVIATE_GRPC and WEAVIATE_API_KEY say which server (default: `make serve`). It can be run again: the
// same pages keep their ids. The exit status is 1 when a page is not found.

import { readFile, writeFile } from "node:fs/promises";
import weaviate, { ApiKey, generateUuid5, type Collection, type WeaviateClient } from "weaviate-client";

const COLLECTION = "TypeScriptPage";
const PAGES = new URL("../../tools/dev/demo/pages/", import.meta.url);
const HTTP = process.env.WEAVIATE_HTTP ?? "localhost:8080";
const GRPC = process.env.WEAVIATE_GRPC ?? "localhost:50051";
const KEY = process.env.WEAVIATE_API_KEY;

async function connect(): Promise<WeaviateClient> {
  const [httpHost, httpPort] = HTTP.split(":");
  const [grpcHost, grpcPort] = GRPC.split(":");
  return weaviate.connectToCustom({
    httpHost, httpPort: Number(httpPort), httpSecure: false,
    grpcHost, grpcPort: Number(grpcPort), grpcSecure: false,
    authCredentials: KEY ? new ApiKey(KEY) : undefined,
  });
}

async function create(client: WeaviateClient): Promise<Collection> {
  if (!(await client.collections.exists(COLLECTION))) {
    // Not collections.create: of the block `multivector` it passes on only what it knows.
    await client.collections.createFromSchema({
      class: COLLECTION,
      properties: [
        { name: "file", dataType: ["text"], tokenization: "field" },
        { name: "title", dataType: ["text"] },
        { name: "licence", dataType: ["text"], tokenization: "field" },
        { name: "text", dataType: ["text"] },
        { name: "page", dataType: ["blob"] },
      ],
      vectorConfig: {
        colpali: {
          vectorizer: { "multi2multivec-colpali": { imageFields: ["page"] } },
          vectorIndexType: "hnsw",
          vectorIndexConfig: { multivector: { enabled: true, plaid: { enabled: true } } },
        },
      },
    });
  }
  return client.collections.use(COLLECTION);
}

async function importPages(collection: Collection): Promise<void> {
  // pages.json has the words of each page, as a PDF's text layer would.
  const pages = JSON.parse(await readFile(new URL("pages.json", PAGES), "utf8"));
  for (let start = 0; start < pages.length; start += 8) {
    const batch = pages.slice(start, start + 8).map(async ({ file, title, licence, words }: any) => ({
      id: generateUuid5(file),
      properties: {
        file, title, licence,
        text: words.map((word: { text: string }) => word.text).join(" "),
        page: await readFile(new URL(file, PAGES), "base64"),
      },
    }));
    const { hasErrors, errors } = await collection.data.insertMany(await Promise.all(batch));
    if (hasErrors) throw new Error(`import: ${Object.values(errors)[0].message}`);
  }
  console.log(`${pages.length} pages are in ${COLLECTION}`);
}

/** Prints the files of an answer; ends the program unless this one is the first. */
function expectFirst(first: string, what: string, answer: { objects: { properties: object }[] }): void {
  const files = answer.objects.map((hit) => (hit.properties as { file: string }).file);
  console.log(`${what}: ${files.join(", ")}`);
  if (files[0] !== first) throw new Error(`${what}: expected ${first} first`);
}

type Heatmap = {
  file: string;
  _additional: {
    colpali: { map: { width: number; height: number; values: number[] }; image?: string; reason?: string };
  };
};

/** Writes the best page with the map of its similarity to the question painted over it. */
async function heatmap(question: string, path: string): Promise<void> {
  // The client has no GraphQL, by which alone Weaviate carries it.
  const near = `nearText: {concepts: [${JSON.stringify(question)}]}`;
  const query = `{ Get { ${COLLECTION}(${near}, limit: 1) { file _additional {
    colpali(format: PNG) { map { width height values } image reason } } } } }`;
  const response = await fetch(`http://${HTTP}/v1/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(KEY && { Authorization: `Bearer ${KEY}` }) },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as { data: any; errors?: { message: string }[] };
  if (errors) throw new Error(`heatmap: ${errors[0].message}`);
  const [{ file, _additional: { colpali: { map, image, reason } } }]: Heatmap[] = data.Get[COLLECTION];
  if (!image) throw new Error(`heatmap: no picture: ${reason}`);
  await writeFile(path, Buffer.from(image, "base64"));
  const best = map.values.indexOf(Math.max(...map.values));
  console.log(`heatmap: ${file} is warmest at column ${best % map.width} and row ${Math.floor(best / map.width)} ` +
    `of ${map.width} x ${map.height} patches; the picture is in ${path}`);
}

const client = await connect();
const pages = await create(client);
await importPages(pages);
expectFirst("income-statement.png", "nearText", await pages.query.nearText("operating profit", { limit: 3 }));
expectFirst("document-11.png", "filter", await pages.query.nearText("character set", {
  limit: 3, filters: pages.filter.byProperty("licence").equal("PostgreSQL"),
}));
expectFirst("pancakes.png", "hybrid", await pages.query.hybrid("sweet batter", {
  limit: 3, queryProperties: ["text"],
}));
await heatmap("operating profit", "heatmap-typescript.png");
await client.close();
