// Package tinymodel embeds the demo model "tiny-reader": a ColPali of the real
// architecture in small (3.6 million parameters, 789 vectors of 128 dimensions a
// page), trained from scratch by tools/dev/tinymodel.
//
// It is a demo and a test article. It finds pages by the printed English words and
// numbers that it reads on them, and by the kinds of charts that it sees; it knows
// no synonyms and no meaning. Text must stand at least about 12 pixels high once the
// page is squashed to 448 x 448. Its vectors mean nothing to real ColPali models.
package tinymodel

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed model
var files embed.FS

// FS returns the model folder (colpali.json, two ONNX graphs, tokenizer.json), as
// vectorizer.Open takes it.
func FS() fs.FS {
	folder, err := fs.Sub(files, "model")
	if err != nil {
		// "model" is a valid path, which is all that fs.Sub checks.
		panic(fmt.Sprintf("tinymodel: %v", err))
	}
	return folder
}
