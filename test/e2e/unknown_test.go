//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// unknown is the one type of resource of the template that the emulator does not have.
// Nothing refers to one.
const unknown = "AWS::Logs::QueryDefinition"

// withoutUnknown takes the resources that the emulator does not have out of what sam
// build made, and fails where there are none any more: then this is not needed.
func withoutUnknown(build string) error {
	path := filepath.Join(build, "template.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var template yaml.Node
	if err := yaml.Unmarshal(text, &template); err != nil {
		return err
	}
	resources := member(template.Content[0], "Resources")
	if resources == nil {
		return fmt.Errorf("%s has no resources", path)
	}
	var kept []*yaml.Node
	for i := 0; i < len(resources.Content); i += 2 {
		if kind := member(resources.Content[i+1], "Type"); kind == nil || kind.Value != unknown {
			kept = append(kept, resources.Content[i], resources.Content[i+1])
		}
	}
	if len(kept) == len(resources.Content) {
		return fmt.Errorf("%s has no %s to leave out", path, unknown)
	}
	resources.Content = kept
	computed := 0
	for i := 1; i < len(kept); i += 2 {
		if withoutMath(member(kept[i], "Properties")) {
			computed++
		}
	}
	if computed == 0 {
		return fmt.Errorf("%s has no alarm that computes", path)
	}
	if text, err = yaml.Marshal(&template); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// withoutMath has an alarm watch what it computes with: the emulator does not compute.
func withoutMath(properties *yaml.Node) bool {
	metrics := member(properties, "Metrics")
	if metrics == nil {
		return false
	}
	stat := member(metrics.Content[0], "MetricStat")
	metric := member(stat, "Metric")
	plain := append([]*yaml.Node{}, metric.Content...)
	plain = append(plain, &yaml.Node{Kind: yaml.ScalarNode, Value: "Period"}, member(stat, "Period"),
		&yaml.Node{Kind: yaml.ScalarNode, Value: "Statistic"}, member(stat, "Stat"))
	for i := 0; i < len(properties.Content); i += 2 {
		if properties.Content[i].Value != "Metrics" {
			plain = append(plain, properties.Content[i], properties.Content[i+1])
		}
	}
	properties.Content = plain
	return true
}

func member(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}
