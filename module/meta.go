package module

import (
	"path/filepath"

	"weaviate-colpali/config"
	"weaviate-colpali/maxsim"
)

// MetaInfo is what `/v1/meta` says about the module: what runs and what made the
// vectors, so that a client can check both before it imports. Of the library
// only the file name is told; paths are the operator's.
func (m *Module) MetaInfo() (map[string]any, error) {
	loaded, err := m.running()
	if err != nil {
		return nil, err
	}
	running := loaded.Model()
	meta := map[string]any{
		"version":        config.Version,
		"model":          running.Name,
		"family":         running.Family,
		"manifest":       running.ManifestHash,
		"dimensions":     running.Dim,
		"vectorsPerPage": running.VectorsPerPage,
		"demo":           loaded.demo,
		"precision":      running.Precision,
		"provider":       running.Provider,
		"onnxruntime":    running.RuntimeVersion,
		"library":        filepath.Base(running.Library),
		"maxsim":         maxsim.Kernel(),
	}
	if m.index != nil {
		meta["index"] = m.index()
	}
	return meta, nil
}
