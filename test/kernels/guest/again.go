package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/vedette-edr/vedette/bpf/loader"
	"github.com/vedette-edr/vedette/test/kernels/loaded"
)

// walkedAgain loads every object once more, with the constants and sizes that the running collector gave it, and counts from
// the verifier's log: before Linux 5.16 the kernel tells it nowhere else.
func walkedAgain(held loaded.Set) (map[string]uint32, error) {
	objects, err := filepath.Glob(objectsDir + "/*_bpfel.o")
	if err != nil {
		return nil, err
	}
	walked := map[string]uint32{}
	for _, path := range objects {
		if err := walkObject(path, held, walked); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return walked, nil
}

func walkObject(path string, held loaded.Set, walked map[string]uint32) error {
	object, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	spec, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		return err
	}
	settings, err := settingsOf(spec, held)
	defer func() {
		for _, m := range settings.Shared {
			m.Close()
		}
	}()
	if err != nil {
		return err
	}
	settings.LogLevel = ebpf.LogLevelStats
	o, err := loader.Load(strings.TrimSuffix(filepath.Base(path), "_bpfel.o"), object, settings)
	if err != nil {
		return err
	}
	defer o.Close()
	for _, p := range held {
		again := o.Program(p.Name)
		if again == nil {
			continue
		}
		if walked[p.Name], err = processed(again.VerifierLog); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}

// settingsOf has the maps of the running programs, which the caller closes, and the constants in them.
func settingsOf(spec *ebpf.CollectionSpec, held loaded.Set) (loader.Settings, error) {
	s := loader.Settings{Shared: map[string]*ebpf.Map{}, Variables: map[string]any{}}
	for _, p := range held {
		if spec.Programs[p.Name] == nil {
			continue
		}
		maps, err := p.Maps()
		if err != nil {
			return s, err
		}
		for _, m := range maps {
			err = errors.Join(err, take(spec, m, &s))
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// take puts a map into the settings, or its content when it holds constants, or closes it.
func take(spec *ebpf.CollectionSpec, m *ebpf.Map, s *loader.Settings) error {
	info, err := m.Info()
	if err != nil {
		return errors.Join(err, m.Close())
	}
	for name, described := range spec.Maps {
		// The kernel keeps 15 bytes of a name.
		if kept := name[:min(len(name), 15)]; kept != info.Name || described.Type != m.Type() {
			continue
		}
		if strings.HasPrefix(name, ".rodata") {
			return errors.Join(takeConstants(spec, name, m, s), m.Close())
		}
		if s.Shared[name] == nil {
			s.Shared[name] = m
			return nil
		}
	}
	return m.Close()
}

func takeConstants(spec *ebpf.CollectionSpec, section string, m *ebpf.Map, s *loader.Settings) error {
	content, err := m.LookupBytes(uint32(0))
	if err != nil {
		return fmt.Errorf("cannot read the constants in %s: %w", section, err)
	}
	for _, v := range spec.Variables {
		if end := v.Offset + v.Size(); v.SectionName == section && int(end) <= len(content) {
			s.Variables[v.Name] = slices.Clone(content[v.Offset:end])
		}
	}
	return nil
}

// A line of the log in print_verification_stats of kernel/bpf/verifier.c.
var processedLine = regexp.MustCompile(`(?m)^processed ([0-9]+) insns`)

func processed(log string) (uint32, error) {
	m := processedLine.FindStringSubmatch(log)
	if m == nil {
		return 0, fmt.Errorf("the verifier's log does not say how many instructions it processed: %q", log)
	}
	n, err := strconv.ParseUint(m[1], 10, 32)
	return uint32(n), err
}
