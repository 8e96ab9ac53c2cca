// Package module is the Weaviate module multi2multivec-colpali, which schemas
// may also call colpali: it turns page images and queries into multi-vectors
// inside the server, with no service beside it.
//
// A collection uses it by
//
//	"vectorConfig": {"colpali": {
//	  "vectorizer": {"multi2multivec-colpali": {"imageFields": ["page"]}},
//	  "vectorIndexType": "hnsw",
//	  "vectorIndexConfig": {"multivector": {"enabled": true, "plaid": {"enabled": true}}}}}
//
// What a collection may say is listed by [config.VectorizerSettings], what the
// operator may say by [config.RuntimeSettings].
//
// # Journey of a page
//
// A client imports an object whose blob property "page" holds an image as
// base64. Weaviate checks the object against the schema and asks which objects
// of the batch need a vector: one that brings its own, or whose image equals the
// stored one, does not. The rest comes to [Module.VectorizeBatch], which checks
// sizes, decodes the base64 and hands the images on in chunks to the [Embedder].
// There an image becomes pixels and the model makes one vector for each of its
// patches. Weaviate stores object and vectors together, and the shard adds the
// vectors to its index: package weaviate-colpali/module/plaid.
//
// A page that fails, fails alone: its object is refused with an error that names
// the object, the limit and the remedy, and the other objects of the batch are
// imported.
//
// # Journey of a query
//
// nearText comes from GraphQL, gRPC or REST as the same parameters. What has no
// meaning for a set of vectors is refused (moveTo, moveAwayFrom, autocorrect,
// certainty); several concepts are joined to one query. The Embedder makes one
// vector for each token, and each shard ranks its pages by MaxSim: the sum, over
// the vectors of the query, of the largest dot product with a vector of the
// page. Weaviate shows the negated sum as distance, so smaller is better.
// nearImage embeds its image as a page and searches with all of its vectors. A
// hybrid search gets the vector half of its query from [Module.VectorizeInput].
//
// # Life of the model
//
// [Module.Init] loads the model and runs it once, so a server that reports ready
// can answer; if that fails, the server does not start. [Module.Close] frees it.
// The module starts no goroutine, and every call ends when its context does.
package module
