package explain_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/module/explain"
)

// The page of limits has the numbers of the code.
func TestLimitsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/limits.md")
	require.NoError(t, err)
	width := fmt.Sprintf("%d,%03d", explain.MaxWidth/1000, explain.MaxWidth%1000)
	require.Contains(t, string(page), fmt.Sprintf("| %d a query, %s pixels wide (*fixed*)", explain.MaxPictures, width))
	require.Contains(t, string(page), fmt.Sprintf("| %d a query (*fixed*)", explain.MaxObjects))
}
