package cost

import (
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const payloads = "../../events/payloads"

// budgets are the write units that an event may take from its receipt to its delivery,
// and the bytes that its item may have then, without what DynamoDB adds.
var budgets = []struct {
	path  string // of payloads
	units float64
	bytes int
}{
	{"full/reply-phone.json", 6, 1945}, // 4.2 KB: 1.9 KB
	{"full/reply-gmail.json", 6, 1945},
	{"full/reply-outlook.json", 6, 1945},
	{"help/open.json", 4, 921}, // 1.2 KB: 0.9 KB
	{"full/open.json", 4, 1024},
	{"full/sent.json", 4, 1024},
	{"full/click.json", 4, 1024},
	{"help/reply.json", 4, 1024},
}

func TestAnEventKeepsItsBudget(t *testing.T) {
	for _, b := range budgets {
		t.Run(b.path, func(t *testing.T) {
			r := newRig(t)
			body := r.payload(b.path)
			r.introduce(body)
			before := r.items()
			r.post(body)
			claim := r.meter.Reset().WrittenOf
			r.work()
			settle := r.meter.Reset().WrittenOf
			sizes := r.rested(before)
			if len(sizes) != 1 {
				t.Fatalf("%d events are delivered, want one", len(sizes))
			}
			all := sum(claim) + sum(settle)
			t.Logf("%d bytes: claim%s, settle%s, in all %v; %d bytes at rest", len(body), spelled(claim), spelled(settle), all, sizes[0])
			if all > b.units || sizes[0] > b.bytes {
				t.Errorf("%v units and %d bytes, want at most %v and %d", all, sizes[0], b.units, b.bytes)
			}
		})
	}
}

// TestItemsAreSmall delivers every payload and shows, by -v, how large items are.
func TestItemsAreSmall(t *testing.T) {
	r := newRig(t)
	var sizes []int
	err := filepath.WalkDir(payloads, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json") {
			return err
		}
		body := r.payload(strings.TrimPrefix(path, payloads+"/"))
		before := r.items()
		if status := r.send(r.Token, body); status != http.StatusOK && status != http.StatusBadRequest {
			t.Fatalf("%s is answered %d", path, status)
		}
		r.work()
		for _, n := range r.rested(before) {
			sizes = append(sizes, n)
			most := 1945
			switch {
			case len(body) <= 1200:
				most = 921
			case len(body) <= 1500:
				most = 1024
			}
			if n > most {
				t.Errorf("%s: %d bytes become an item of %d, want at most %d", path, len(body), n, most)
			}
		}
		return nil
	})
	if err != nil || len(sizes) < 100 {
		t.Fatalf("%d events: %v", len(sizes), err)
	}
	slices.Sort(sizes)
	const step = 128
	rows := map[int]int{}
	for _, n := range sizes {
		rows[n/step]++
	}
	report := ""
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		report += fmt.Sprintf("%5d to %5d bytes: %3d %s\n", row*step, (row+1)*step-1, rows[row], strings.Repeat("#", rows[row]))
	}
	t.Logf("%d events, half below %d bytes, the largest of %d\n%s", len(sizes), sizes[len(sizes)/2], sizes[len(sizes)-1], report)
}

func (r *rig) payload(path string) string {
	r.Helper()
	body, err := os.ReadFile(filepath.Join(payloads, path))
	if err != nil {
		r.Fatal(err)
	}
	return string(body)
}

// rested returns the bytes of the items of events that were delivered since.
func (r *rig) rested(before map[string]item) (sizes []int) {
	r.Helper()
	for key, it := range r.items() {
		if _, known := before[key]; !known && r.text(it, "state") == "delivered" {
			size, _ := r.stored(it)
			sizes = append(sizes, size-perItem)
		}
	}
	return sizes
}

func sum(units map[string]float64) (all float64) {
	for _, n := range units {
		all += n
	}
	return all
}

func spelled(units map[string]float64) (text string) {
	for _, name := range slices.Sorted(maps.Keys(units)) {
		text += fmt.Sprintf(" %s %v", name, units[name])
	}
	return text
}
