package vectorizer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// verifyFiles compares every file of the manifest with its sum. A folder that was copied halfway, or
// in which one graph was exchanged, would else serve vectors that look right and rank wrong.
func (m *manifest) verifyFiles(ctx context.Context, model fs.FS) error {
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		if err := verifyFile(ctx, model, name, m.Files[name]); err != nil {
			return err
		}
	}
	return nil
}

func verifyFile(ctx context.Context, model fs.FS, name string, want fileSum) error {
	file, err := model.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s names %s, which is missing: copy the whole folder, or export it again", manifestFile, name)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	digest := sha256.New()
	// One byte more than expected is enough to know.
	size, err := io.Copy(digest, contextReader{ctx, io.LimitReader(file, want.Bytes+1)})
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if size != want.Bytes || !strings.EqualFold(hex.EncodeToString(digest.Sum(nil)), want.SHA256) {
		return fmt.Errorf("%s is not the file that %s describes (%d bytes, sha256 %s): copy the whole folder again, or export it again",
			name, manifestFile, want.Bytes, want.SHA256)
	}
	return nil
}

// contextReader ends a read of gigabytes with its context.
type contextReader struct {
	ctx  context.Context
	from io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.from.Read(p)
}
