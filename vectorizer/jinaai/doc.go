// Package jinaai is the vectorizer behind the HTTP protocol of Jina AI's embeddings, as Weaviate's own module
// multi2multivec-jinaai speaks it: a Weaviate that nobody patched gets its vectors here.
//
// The protocol is that of https://api.jina.ai/v1/embeddings, read from the module and its client
// (modules/multi2multivec-jinaai, usecases/modulecomponents/clients/jinaai of Weaviate v1.39.3):
//
//	POST /v1/embeddings   {"model": "...", "return_multivector": true, "input": [...]}
//	                      {"object": "list", "model": "...", "data": [{"index": 0, "embeddings": [[...], ...]}], "usage": {...}}
//	anything refused      {"detail": "what, which limit, what to do"} and the status that fits
//
// An input {"image": "base64"} is a page. A text is a query where it comes as a plain string, as the module sends
// what people search for, or where the request's task is "retrieval.query". A text that is to be stored is refused:
// these models read pages as images.
//
// A request must name the model that runs, by its name or by name@digits, with at least the first 12 digits of its
// manifest's SHA-256: a collection then never mixes the vectors of two models.
package jinaai
