package seams

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckNamesEveryMissingSeamAndTheRemedy(t *testing.T) {
	marked.Clear() // in a patched build, packages have marked themselves already
	t.Cleanup(marked.Clear)

	err := Check()
	require.Error(t, err)
	for _, name := range All {
		require.ErrorContains(t, err, name)
	}
	require.ErrorContains(t, err, "make server")

	for _, name := range All[1:] {
		Mark(name)
	}
	err = Check()
	require.ErrorContains(t, err, All[0])
	require.NotContains(t, err.Error(), All[1])

	Mark(All[0])
	require.NoError(t, Check())
}
