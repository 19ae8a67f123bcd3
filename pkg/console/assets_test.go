package console

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What others wrote is as they published it.
func TestVendoredScriptsAreAsPublished(t *testing.T) {
	sums, err := assetFiles.Open("assets/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	defer sums.Close()
	listed := map[string]bool{}
	for lines := bufio.NewScanner(sums); lines.Scan(); {
		want, name, _ := strings.Cut(lines.Text(), "  ")
		content, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if got := sha256.Sum256(content); hex.EncodeToString(got[:]) != want {
			t.Errorf("%s has the digest %x", name, got)
		}
		listed[name] = true
	}
	scripts, err := fs.Glob(assetFiles, "assets/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range scripts {
		if name := strings.TrimPrefix(path, "assets/"); name != "app.js" && !listed[name] {
			t.Errorf("%s is not ours and has no digest", name)
		}
	}
	if !listed["LICENSE"] || len(listed) < 3 {
		t.Errorf("listed are %v", listed)
	}
}

var token = regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`)

var colour = regexp.MustCompile(`#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(`)

// Text has a contrast of 4.5 at least, and what only has an outline or a shape one of
// 3 (WCAG 2.2, 1.4.3 and 1.4.11), in light and in dark.
func TestColoursCanBeRead(t *testing.T) {
	css, err := assetFiles.ReadFile("assets/app.css")
	if err != nil {
		t.Fatal(err)
	}
	colours := map[string][2]string{}
	for _, m := range token.FindAllStringSubmatch(string(css), -1) {
		colours[m[1]] = [2]string{m[2], m[3]}
	}
	pairs := []struct {
		over, under string
		least       float64
	}{
		{"text", "bg", 4.5}, {"text", "raised", 4.5}, {"muted", "bg", 4.5}, {"muted", "raised", 4.5},
		{"accent", "bg", 4.5}, {"accent", "raised", 4.5}, {"on-accent", "accent", 4.5}, {"on-danger", "danger", 4.5},
		{"control", "bg", 3}, {"control", "raised", 3}, {"text", "mark", 4.5}, {"dead", "bg", 4.5}, {"delivered", "raised", 4.5},
	}
	states := 0
	for name := range colours {
		if tint, ok := strings.CutSuffix(name, "-bg"); ok {
			states++
			pairs = append(pairs, struct {
				over, under string
				least       float64
			}{tint, name, 4.5})
		}
	}
	if states < 7 {
		t.Errorf("only %d states have a tint", states)
	}
	for _, p := range pairs {
		for scheme, name := range []string{"light", "dark"} {
			over, under := colours[p.over][scheme], colours[p.under][scheme]
			if over == "" || under == "" {
				t.Fatalf("there is no token %s or %s", p.over, p.under)
			}
			if got := contrast(t, over, under); got < p.least {
				t.Errorf("%s on %s, %s: %.1f, want at least %.1f", p.over, p.under, name, got, p.least)
			}
		}
	}
	if len(colour.FindAll(css, -1)) != 2*len(colours) {
		t.Error("a colour stands outside the tokens, where nobody computes its contrast")
	}
}

func contrast(t *testing.T, a, b string) float64 {
	l, m := luminance(t, a), luminance(t, b)
	return (max(l, m) + 0.05) / (min(l, m) + 0.05)
}

// luminance is that of WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	part := func(i int) float64 {
		n, err := strconv.ParseUint(colour[i:i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(1) + 0.7152*part(3) + 0.0722*part(5)
}

// The policy lets no script of a page run, and htmx must not want one.
func TestTemplatesHoldNoScriptAndNoStyle(t *testing.T) {
	names, err := fs.Glob(templateFiles, "*.html")
	if err != nil || len(names) < 5 {
		t.Fatalf("%v %v", names, err)
	}
	forbidden := regexp.MustCompile(`(?i)\shx-on|js:|javascript:|\son[a-z]+=|\sstyle=|<style|hx-trigger="[^"]*\[|hx-vals="?'?j`)
	inline := regexp.MustCompile(`<script[^>]*>[^<]`)
	for _, name := range names {
		content, err := templateFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range append(forbidden.FindAllString(string(content), -1), inline.FindAllString(string(content), -1)...) {
			t.Errorf("%s holds %q", name, found)
		}
	}
	for _, bad := range []string{`<a hx-on:click="x">`, `<a onclick="x">`, `<p style="x">`, `<a hx-trigger="click[x]">`, `<a hx-vals='js:x'>`} {
		if !forbidden.MatchString(bad) {
			t.Errorf("%s would not be found", bad)
		}
	}
}
