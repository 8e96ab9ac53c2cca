package vectorizer

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// goldenFolder is where a model folder has what the reference makes of its pages and queries.
type goldenFolder string

func goldenIn(model string) goldenFolder { return goldenFolder(filepath.Join(model, "golden")) }

func (g goldenFolder) file(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(string(g), name))
	require.NoError(t, err)
	return content
}

// floats reads little-endian float32.
func (g goldenFolder) floats(t testing.TB, name string) []float32 {
	t.Helper()
	content := g.file(t, name)
	values := make([]float32, len(content)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(content[4*i:]))
	}
	return values
}
