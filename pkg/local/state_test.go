package local

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smartlead-receiver/pkg/stack/place"
)

func TestStateDirKeepsItsSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", ".local")
	read := func() [2]string {
		dir, release, err := OpenStateDir(path)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
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
	dir, release, err := OpenStateDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
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
	if len(entries) != 3 { // the lock, too
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

// While one stack has the directory, a second is told which; what a killed one
// left behind is no reason to refuse, and no stack's address.
func TestStateDirIsForOneStack(t *testing.T) {
	path := t.TempDir()
	dir, release, err := OpenStateDir(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(want InUseError) {
		t.Helper()
		want.Dir = path
		var inUse *InUseError
		if _, _, err := OpenStateDir(path); !errors.As(err, &inUse) || *inUse != want {
			t.Errorf("a second stack: %v, want %v", err, &want)
		}
	}
	refused(InUseError{})
	if err := dir.WriteInfo(place.Place{WebhookURL: "http://127.0.0.1:1/webhooks/demo/t", PID: 7}); err != nil {
		t.Fatal(err)
	}
	refused(InUseError{PID: 7, URL: "http://127.0.0.1:1"})
	release()
	_, release, err = OpenStateDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	refused(InUseError{})
}
