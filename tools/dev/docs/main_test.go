package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfigurationPageIsCurrent(t *testing.T) {
	want, err := render()
	require.NoError(t, err)
	got, err := os.ReadFile("../../../docs/configuration.md")
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run `make generate`")
}
