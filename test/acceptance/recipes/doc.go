// Package recipes runs the programs of docs/recipes, and what README.md shows, against the built server, as a newcomer
// would: each as a process, with the official client of its language, twice. Beside the server stand local stand-ins of
// the models that it hands page images to; they keep what reached them.
//
// `make recipes` installs what the programs need, and runs it.
package recipes
