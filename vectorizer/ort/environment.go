package ort

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	onnx "github.com/yalue/onnxruntime_go"
)

// environment is the one ONNX Runtime environment of the process.
var environment struct {
	sync.Mutex
	users   int
	library string
	// foreign means that somebody else in the process initialised the binding before us. It is
	// theirs to destroy.
	foreign bool
}

// acquire loads the library for its first user and returns its path; release gives it back.
func acquire(named string) (library string, err error) {
	environment.Lock()
	defer environment.Unlock()
	if environment.users == 0 {
		if err := initialise(named); err != nil {
			return "", err
		}
	} else if named != "" && named != environment.library {
		return "", fmt.Errorf("%w: %s was asked for, but the process already runs %s and can only have one",
			ErrLibrary, named, environment.library)
	}
	environment.users++
	return environment.library, nil
}

func initialise(named string) error {
	if environment.foreign = onnx.IsInitialized(); environment.foreign {
		environment.library = "loaded by another part of the process"
		return nil
	}
	library, err := firstLoadable(places(named), load)
	environment.library = library
	return err
}

func load(path string) error {
	onnx.SetSharedLibraryPath(path)
	err := onnx.InitializeEnvironment(onnx.WithLogLevelFatal())
	if err == nil {
		return nil
	}
	// "2" is the binding's word for a library that does not offer its version of the API.
	if strings.Contains(err.Error(), "Error setting ORT API base: 2") {
		return errors.New("is older than ONNX Runtime 1.24, the oldest that works")
	}
	return err
}

// retain adds a user to a library that is already loaded.
func retain() {
	environment.Lock()
	defer environment.Unlock()
	environment.users++
}

func release() error {
	environment.Lock()
	defer environment.Unlock()
	environment.users--
	if environment.users > 0 || environment.foreign {
		return nil
	}
	return onnx.DestroyEnvironment()
}
