package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stampFile lies beside the copy and holds the fingerprint of what it was made
// from. It is written last, so a copy without it is not trusted.
const stampFile = "weaviate.stamp"

// syncTree makes dir the patched copy of a Weaviate release. It touches only files whose content changes, so that Go's build cache keeps what
// it compiled, and nothing at all when dir is up to date. It returns how many
// files it wrote or removed.
func syncTree(dir string, module weaviateModule, patches patchSet) (int, error) {
	files, err := patches.patch(module.Dir)
	if err != nil {
		return 0, err
	}

	stamp := filepath.Join(filepath.Dir(dir), stampFile)
	fingerprint := fingerprintOf(module.Version, files)
	if old, err := os.ReadFile(stamp); err == nil && string(old) == fingerprint {
		return 0, nil
	}
	if err := os.Remove(stamp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}

	changed, err := writeTree(dir, module.Dir, files)
	if err != nil {
		return changed, fmt.Errorf("copy Weaviate %s to %s: %w", module.Version, dir, err)
	}
	return changed, os.WriteFile(stamp, []byte(fingerprint), 0o644)
}

// fingerprintOf identifies a copy: the release, whose files never change once it
// is published, and everything that we put in.
func fingerprintOf(version string, files map[string]string) string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n", version)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(hash, "%s %d\n%s", path, len(files[path]), files[path])
	}
	return version + " " + hex.EncodeToString(hash.Sum(nil)) + "\n"
}

// writeTree brings dir to the content of the stock tree in from with files laid
// over it.
func writeTree(dir, from string, files map[string]string) (changed int, err error) {
	want := map[string]bool{}
	put := func(path string, content []byte) error {
		want[path] = true
		wrote, err := writeIfDifferent(filepath.Join(dir, path), content)
		if wrote {
			changed++
		}
		return err
	}

	err = filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if unneededDir(rel) {
				return filepath.SkipDir
			}
			return nil
		}
		if _, ours := files[filepath.ToSlash(rel)]; ours || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return put(rel, content)
	})
	if err != nil {
		return changed, err
	}
	for path, text := range files {
		if err := put(filepath.FromSlash(path), []byte(text)); err != nil {
			return changed, err
		}
	}

	removed, err := removeOthers(dir, want)
	return changed + removed, err
}

// unneededDir tells the folders of Weaviate's module that no server is built
// from: a third of its size.
func unneededDir(rel string) bool {
	return rel == "test" || rel == "docs" || filepath.Base(rel) == "testdata"
}

func writeIfDifferent(path string, content []byte) (bool, error) {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, err
	}
	return true, os.WriteFile(path, content, 0o644)
}

// removeOthers removes files that an earlier release or patch left in dir.
func removeOthers(dir string, want map[string]bool) (removed int, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || want[rel] {
			return err
		}
		removed++
		return os.Remove(path)
	})
	return removed, err
}
