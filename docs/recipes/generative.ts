// A question answered from the pictures of the pages that match it: the last stage of visual RAG.
//
// The server hands the question and the images of the best pages to a model behind OpenAI's protocol: to OpenAI, or to
// vLLM, Ollama, llama.cpp and others that speak it. MODEL_URL says where it is, as the server sees it, MODEL_NAME which
// model, MODEL_API_KEY with what key. WEAVIATE_HTTP, WEAVIATE_GRPC and WEAVIATE_API_KEY say which server (default:
// `make serve`). It can be run again: the same pages keep their ids.

import { readFile } from "node:fs/promises";
import weaviate, {
  ApiKey, generateUuid5, generativeParameters, type Collection, type WeaviateClient,
} from "weaviate-client";

const COLLECTION = "TypeScriptGenerativePage";
const PAGES = new URL("../../tools/dev/demo/pages/", import.meta.url);
const QUESTION = "How high was the operating profit in 2024?";
const WORDS = "operating profit"; // what the demo model can look for; a real one is asked the question itself
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
    // The module wants a key even if the model does not.
    headers: { "X-OpenAI-Api-Key": process.env.MODEL_API_KEY ?? "none" },
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

async function ask(collection: Collection): Promise<void> {
  const answer = await collection.generate.nearText(WORDS, {
    groupedTask: {
      prompt: `Answer from these pages: ${QUESTION}`,
      imageProperties: ["page"],
      nonBlobProperties: ["title"],
    },
    config: generativeParameters.openAI({
      baseURL: process.env.MODEL_URL ?? "https://api.openai.com",
      model: process.env.MODEL_NAME ?? "gpt-4o",
    }),
  }, { limit: 2 });
  console.log(`pages handed on: ${answer.objects.map((hit) => hit.properties.file).join(", ")}`);
  if (!answer.generative?.text) throw new Error("the model gave no answer");
  console.log(`answer: ${answer.generative.text}`);
}

const client = await connect();
const pages = await create(client);
await importPages(pages);
await ask(pages);
await client.close();
