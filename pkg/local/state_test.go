package local

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smartlead-receiver/pkg/stack/place"
)

func TestStateDirKeepsItsSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", ".local")
	read := func() [2]string {
		dir, err := OpenStateDir(path)
		if err != nil {
			t.Fatal(err)
		}
		token, err := dir.Secret("token", rand.Text)
		if err != nil {
			t.Fatal(err)
		}
		other, err := dir.Secret("other", rand.Text)
		if err != nil {
			t.Fatal(err)
		}
		return [2]string{token, other}
	}
	first := read()
	if first != read() {
		t.Error("secrets change from start to start")
	}
	if first[0] == first[1] {
		t.Error("two secrets are the same")
	}
}

func TestStateDirRefusesADamagedSecret(t *testing.T) {
	path := t.TempDir()
	for _, content := range []string{"", "short", "with a blank inside it all\n", strings.Repeat("x", 200)} {
		if err := os.WriteFile(filepath.Join(path, "token"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		token, err := StateDir(path).Secret("token", rand.Text)
		if err == nil || !strings.Contains(err.Error(), "delete it") {
			t.Errorf("%q: token %q, err %v", content, token, err)
		}
	}
}

func TestStateDirIsForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".local")
	dir, err := OpenStateDir(path)
	if err != nil {
		t.Fatal(err)
	}
	info := place.Place{WebhookURL: "http://127.0.0.1:1/webhooks/demo/t", Region: Region, PID: 1}
	for range 2 { // the second replaces the first
		if err := dir.WriteInfo(info); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := dir.Secret("token", rand.Text); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(dir.InfoPath())
	if err != nil {
		t.Fatal(err)
	}
	var got place.Place
	if err := json.Unmarshal(content, &got); err != nil || got != info {
		t.Errorf("info = %+v, %v", got, err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("directory holds %v", entries)
	}
	for _, entry := range entries {
		if stat, err := entry.Info(); err != nil || stat.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", entry.Name(), stat.Mode(), err)
		}
	}
	if stat, err := os.Stat(path); err != nil || stat.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", stat.Mode(), err)
	}
}

// Only what this process wrote is this process's to remove.
func TestRemoveInfo(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		gone    bool
	}{
		"its own":     {`{"pid":7}`, true},
		"another's":   {`{"pid":8}`, false},
		"unreadable":  {`{`, false},
		"none at all": {"", true},
	} {
		dir := StateDir(t.TempDir())
		if c.content != "" {
			if err := os.WriteFile(dir.InfoPath(), []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := dir.RemoveInfo(7); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(dir.InfoPath()); os.IsNotExist(err) != c.gone {
			t.Errorf("%s: %v", name, err)
		}
	}
}
