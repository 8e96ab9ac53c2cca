// Package operator opens the model that an operator chose by the environment, for every program that runs one.
package operator

import (
	"context"
	"fmt"
	"os"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/processor"
	"weaviate-colpali/vectorizer/tinymodel"
)

// Options are those of the vectorizer that the settings mean.
func Options(settings config.Runtime, observer vectorizer.Observer) vectorizer.Options {
	return vectorizer.Options{
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
}

// Open loads the model the operator chose, or the one embedded in the program, and runs it once. demo says that it
// is the embedded one.
func Open(ctx context.Context, settings config.Runtime, observer vectorizer.Observer) (v *vectorizer.Vectorizer, demo bool, err error) {
	if settings.ModelDir == "" {
		v, err = vectorizer.Open(ctx, tinymodel.FS(), "", Options(settings, observer))
		return v, true, err
	}
	if err := checkFolder(settings.ModelDir); err != nil {
		return nil, false, err
	}
	v, err = vectorizer.OpenFolder(ctx, settings.ModelDir, Options(settings, observer))
	return v, false, err
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
