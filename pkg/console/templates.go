package console

import (
	"embed"
	"fmt"
	"html/template"

	"smartlead-receiver/pkg/cli/output"
)

//go:embed *.html
var templateFiles embed.FS

// functions are what templates may call.
var functions = template.FuncMap{
	"thousands": output.Thousands,
	"count":     output.Count,
	"span":      output.Span,
	"short":     output.ShortID,
	"asset":     assetURL,
	"mark":      markOf,
}

// shared are the templates of every page: the layout, and parts such as a time, a
// state, a failed panel.
var shared = []string{"layout.html", "parts.html", "charts.html"}

// parseTemplates reads one set for each page, which defines "main".
func parseTemplates(pages []page) (map[string]*template.Template, error) {
	files := []string{"failure.html", "ask.html", "bare.html", movedPage.file, secretPage.file}
	for _, p := range pages {
		files = append(files, p.file)
	}
	sets := map[string]*template.Template{}
	for _, file := range files {
		t, err := template.New(file).Funcs(functions).ParseFS(templateFiles, append([]string{file}, shared...)...)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", file, err)
		}
		sets[file] = t
	}
	return sets, nil
}
