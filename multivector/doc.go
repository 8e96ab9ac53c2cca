// Package multivector searches documents that are multi-vectors, by MaxSim.
//
// An [Index] knows which documents are live, and keeps 8-bit codes and centroids of
// them, by which [Index.Search] finds the few whose vectors are worth a look. The
// vectors themselves are read from a [Source], which stays the only truth: every
// score is that of the vectors as they were stored, and whatever the index keeps
// can be made anew from them. [Index.Search] is the way to read first, then
// FORMAT.md.
//
// # Words
//
//   - A document is a multi-vector with an id. Ids are never used again: a
//     document whose vectors change gets a new one.
//   - A score is the MaxSim of a query and a document; larger is better.
//   - Certified says that an answer equals brute force over the live documents.
//
// # Concurrency
//
// All methods may be called at once. A search works on the documents that were
// live when it began: one that is added meanwhile is found by the next search,
// one that is deleted meanwhile may still be found if its vectors are.
package multivector
