package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

// assetFiles hold no secret: a browser that was not let in may read them, too.
//
//go:embed assets
var assetFiles embed.FS

const assetPath = "/assets/"

var assetTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func isAsset(path string) bool { return strings.HasPrefix(path, assetPath) }

// assetURL is the address of an asset, which changes with its content.
func assetURL(name string) string {
	content, err := assetFiles.ReadFile("assets/" + name)
	if err != nil {
		return assetPath + name
	}
	sum := sha256.Sum256(content)
	return assetPath + name + "?v=" + hex.EncodeToString(sum[:6])
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, assetPath)
	kind, known := assetTypes[path.Ext(name)]
	content, err := assetFiles.ReadFile("assets/" + name)
	if !known || err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	if r.URL.RawQuery != "" {
		w.Header().Set("Cache-Control", "private, max-age=86400, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
