// Package vectorizer turns page images and query texts into token vectors with a ColPali model.
//
//	v, err := vectorizer.Open(ctx, os.DirFS(dir), dir, vectorizer.Options{})
//	pages, err := v.EmbedPages(ctx, [][]byte{png})       // 1030 vectors of 128 for ColPali
//	queries, err := v.EmbedQueries(ctx, []string{"revenue of 2023"})
//
// A model is a folder that tools/dev/export writes: two ONNX graphs, a tokenizer, and colpali.json,
// which holds everything behavioural. Nothing about prompts, sizes or ids is a constant here,
// because the official implementations disagree about them for the same weights.
//
//	page   blob -> processor: decode, resize, normalise -> vision graph -> image features -+
//	                                                      prompt and image token ids -----+-> text graph -> rows
//	query  text -> processor: token ids between the prompt's ------------------------------+
//
// What comes in is hostile: images and texts are bounded and checked before they cost anything, a
// model folder is checked against its sums, and every vector that leaves is finite and of length
// one. A bad page or query fails alone, in its own [Embedding].
//
// One inference runs at a time for each Vectorizer, behind a bounded queue in which queries go
// before pages; while the device works on a batch of pages, the next one is decoded. The package
// logs nothing: what is worth knowing is in [Model].
package vectorizer
