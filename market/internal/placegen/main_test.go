package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fixture writes a package of two cities, out of order, and the seats.
func fixture(t *testing.T, version, seats string) (dir, seatsFile string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"package.json":     `{"name":"china-division","version":"` + version + `"}`,
		"dist/cities.json": `[{"code":"3715","name":"聊城市"},{"code":"3701","name":"济南市"}]`,
		"dist/areas.json": `[{"code":"371503","name":"茌平区","cityCode":"3715"},
			{"code":"370102","name":"历下区","cityCode":"3701"},
			{"code":"371502","name":"东昌府区","cityCode":"3715"}]`,
		"dist/streets.json": `[{"code":"371503001","name":"振兴街道","areaCode":"371503","cityCode":"3715"},
			{"code":"371502001","name":"古楼街道","areaCode":"371502","cityCode":"3715"},
			{"code":"370102001","name":"解放路街道","areaCode":"370102","cityCode":"3701"}]`,
		"seats.json": seats,
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, filepath.Join(dir, "seats.json")
}

const bothSeats = `[{"code":"371502","english":"Dongchangfu","lat":36.45,"lon":115.98},
	{"code":"371503","english":"Chiping","lat":36.58,"lon":116.25}]`

func TestRun(t *testing.T) {
	dir, seats := fixture(t, version, bothSeats)
	out := filepath.Join(dir, "places.json")
	var stderr bytes.Buffer
	if code := run([]string{"-division", dir, "-seats", seats, "-out", out}, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want := `"places": [
{"code":"371502","name":"东昌府区","english":"Dongchangfu","parent":"3715","lat":36.45,"lon":115.98},
{"code":"371502001","name":"古楼街道","parent":"371502"},
{"code":"371503","name":"茌平区","english":"Chiping","parent":"3715","lat":36.58,"lon":116.25},
{"code":"371503001","name":"振兴街道","parent":"371503"}
]
}
`
	if !strings.HasSuffix(string(got), want) {
		t.Errorf("places.json is\n%s\nand should end in\n%s", got, want)
	}
	for _, part := range []string{"china-division 2.7.0", "聊城市", "MIT"} {
		if !strings.Contains(string(got), part) {
			t.Errorf("places.json does not name %q", part)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	tests := []struct {
		name, version, seats, city, want string
	}{
		{"another version", "2.6.0", bothSeats, "3715", "not china-division 2.7.0"},
		{"an unknown city", version, bothSeats, "9999", "no city has the code 9999"},
		{"a county without a seat", version, `[{"code":"371502"}]`, "3715", "371503 茌平区 has no seat"},
		{"a seat without a county", version, bothSeats[:len(bothSeats)-1] + `,{"code":"371523"}]`, "3715", "371523 is of no county"},
		{"broken seats", version, `[`, "3715", "seats.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, seats := fixture(t, tt.version, tt.seats)
			out := filepath.Join(dir, "places.json")
			var stderr bytes.Buffer
			if code := run([]string{"-division", dir, "-seats", seats, "-city", tt.city, "-out", out}, &stderr); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("said %q, want %q in it", &stderr, tt.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("places.json was written all the same")
			}
		})
	}
}
