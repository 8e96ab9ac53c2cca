package module

import (
	"context"
	"fmt"
	"os"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/processor"
	"weaviate-colpali/vectorizer/tinymodel"
)

// model is a running model and where it came from.
type model struct {
	Embedder
	// demo says that it is the one embedded in the binary.
	demo bool
}

// openModel loads the model the operator chose, or the embedded one, and runs it
// once.
func openModel(ctx context.Context, settings config.Runtime, observer vectorizer.Observer) (model, error) {
	options := vectorizer.Options{
		Library:       settings.Library,
		Device:        settings.Device,
		DeviceIDs:     settings.DeviceIDs,
		DeviceMemory:  int64(settings.DeviceMemory) << 20,
		EngineCache:   settings.EngineCache,
		Threads:       settings.Threads,
		PageBatch:     settings.PageBatch,
		BatchTokens:   settings.BatchTokens,
		MaxQueue:      settings.MaxQueue,
		Limits:        processor.Limits{MaxBytes: settings.MaxImageBytes, MaxPixels: settings.MaxImagePixels},
		ImageMemory:   int64(settings.MaxImageMemory) << 20,
		MaxQueryBytes: settings.MaxQueryBytes,
		Observer:      observer,
	}
	if settings.ModelDir == "" {
		embedded, err := vectorizer.Open(ctx, tinymodel.FS(), "", options)
		return model{Embedder: embedded, demo: true}, err
	}
	if err := checkFolder(settings.ModelDir); err != nil {
		return model{}, err
	}
	opened, err := vectorizer.OpenFolder(ctx, settings.ModelDir, options)
	return model{Embedder: opened}, err
}

// checkFolder names the variable that an operator got wrong, which whoever reads
// the folder cannot know.
func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("COLPALI_MODEL_DIR: %w; name a folder with colpali.json, or unset it to use the embedded demo model", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("COLPALI_MODEL_DIR: %s is not a folder; name the folder that holds colpali.json", dir)
	}
	return nil
}
