package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"go.yaml.in/yaml/v3"
)

// build makes the bootstraps as they are deployed, and the operator's tool.
func build(ctx context.Context, root, dir string) (map[string]string, error) {
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	paths := map[string]string{}
	for _, function := range []string{"receiver", "worker", "sweeper", "redrive"} {
		out := filepath.Join(dir, function)
		paths[function] = filepath.Join(out, "bootstrap")
		if err := run(ctx, root, nil, "make", "-s", "functions/"+function+".bootstrap", "ARTIFACTS_DIR="+out, "ARCHITECTURE="+architecture); err != nil {
			return nil, err
		}
	}
	paths["baseline"], paths["smartleadctl"] = filepath.Join(dir, "baseline", "bootstrap"), filepath.Join(dir, "smartleadctl")
	if err := run(ctx, root, []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-ldflags", "-s -w", "-o", paths["baseline"], "./bench/baseline"); err != nil {
		return nil, err
	}
	return paths, run(ctx, root, nil, "go", "build", "-o", paths["smartleadctl"], "./cmd/smartleadctl")
}

func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}

// settings returns what the template sets in a function's environment word for word:
// what has to be looked up is the bench's own.
func settings(root, function string) (map[string]string, error) {
	type block struct {
		Environment struct {
			Variables map[string]yaml.Node `yaml:"Variables"`
		} `yaml:"Environment"`
	}
	var template struct {
		Globals   struct{ Function block } `yaml:"Globals"`
		Resources map[string]struct {
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	form, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(form, &template); err != nil {
		return nil, err
	}
	var own block
	properties := template.Resources[function].Properties
	if err := properties.Decode(&own); err != nil {
		return nil, fmt.Errorf("%s in template.yaml: %w", function, err)
	}
	values := map[string]string{}
	for _, b := range []block{template.Globals.Function, own} {
		for name, value := range b.Environment.Variables {
			if value.Tag == "!!str" || value.Tag == "!!int" {
				values[name] = value.Value
			}
		}
	}
	return values, nil
}
