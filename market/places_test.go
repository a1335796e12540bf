package market

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hezuo/fault"
)

func TestPlaces(t *testing.T) {
	counties := []struct{ code, name, english string }{
		{"371502", "东昌府区", "Dongchangfu"},
		{"371503", "茌平区", "Chiping"},
		{"371521", "阳谷县", "Yanggu"},
		{"371522", "莘县", "Shenxian"},
		{"371524", "东阿县", "Dong'e"},
		{"371525", "冠县", "Guanxian"},
		{"371526", "高唐县", "Gaotang"},
		{"371581", "临清市", "Linqing"},
	}
	if got := len(Counties()); got != len(counties) {
		t.Fatalf("%d counties, want %d", got, len(counties))
	}
	byCode := func(a, b Place) int { return cmp.Compare(a.Code, b.Code) }
	towns := 0
	for i, c := range Counties() {
		if c.Code != counties[i].code || c.Name != counties[i].name || c.English != counties[i].english || c.Parent != "3715" {
			t.Errorf("county %d is %+v, want %v", i, c, counties[i])
		}
		// The city lies between 115°16′ and 116°32′ E, 35°47′ and 37°02′ N.
		if c.Lat < 35.78 || 37.04 < c.Lat || c.Lon < 115.26 || 116.54 < c.Lon || c.Approximate {
			t.Errorf("%s does not lie in Liaocheng: %+v", c.Name, c)
		}
		if got, ok := PlaceByCode(c.Code); !ok || got != c {
			t.Errorf("PlaceByCode(%s) = %+v, %v", c.Code, got, ok)
		}
		if !slices.IsSortedFunc(Towns(c.Code), byCode) {
			t.Errorf("the towns of %s are not in order", c.Name)
		}
		for _, town := range Towns(c.Code) {
			towns++
			want := Place{town.Code, town.Name, "", c.Code, c.Lat, c.Lon, true}
			if town != want || town.Name == "" || len(town.Code) != 9 || !strings.HasPrefix(town.Code, c.Code) {
				t.Errorf("a town of %s is %+v", c.Name, town)
			}
			if got, ok := PlaceByCode(town.Code); !ok || got != town {
				t.Errorf("PlaceByCode(%s) = %+v, %v", town.Code, got, ok)
			}
		}
	}
	if towns != 136 {
		t.Errorf("%d towns, want 136", towns)
	}
	for _, code := range []string{"", "3715", "371523", "371502999"} {
		if p, ok := PlaceByCode(code); ok || Towns(code) != nil {
			t.Errorf("PlaceByCode(%q) = %+v", code, p)
		}
	}
}

func TestPlacesCannotBeChangedByCallers(t *testing.T) {
	Counties()[0].Name = "changed"
	Towns("371502")[0].Name = "changed"
	if Counties()[0].Name == "changed" || Towns("371502")[0].Name == "changed" {
		t.Error("a caller changed the shared list")
	}
}

func TestPlacesNameTheirSource(t *testing.T) {
	var head struct{ Source, Licence, Note string }
	if err := json.Unmarshal(placesJSON, &head); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(head.Source, "china-division 2.7.0") || !strings.Contains(head.Licence, "MIT") || head.Note == "" {
		t.Errorf("the head is %+v", head)
	}
}

func TestParsePlacesRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"no JSON":             `{`,
		"nothing":             `{"places":[]}`,
		"a code twice":        `{"places":[{"code":"371502"},{"code":"371502"}]}`,
		"a town first":        `{"places":[{"code":"371502001","parent":"371502"},{"code":"371502"}]}`,
		"a code of no length": `{"places":[{"code":"3715"}]}`,
	} {
		if p, err := parsePlaces([]byte(data)); err == nil {
			t.Errorf("%s: got %+v", name, p)
		}
	}
}

func TestPointValidate(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		point Point
		field string // empty: the point is good
	}{
		{Point{36.45, 115.98}, ""},
		{Point{}, ""},
		{Point{90, 180}, ""},
		{Point{-90, -180}, ""},
		{Point{90.001, 0}, "lat"},
		{Point{-90.001, 0}, "lat"},
		{Point{115.98, 36.45}, "lat"}, // the two confused
		{Point{0, 180.001}, "lon"},
		{Point{0, -180.001}, "lon"},
		{Point{nan, 0}, "lat"},
		{Point{0, nan}, "lon"},
		{Point{inf, 0}, "lat"},
		{Point{0, -inf}, "lon"},
	}
	for _, tt := range tests {
		checkFault(t, tt.point.Validate(), tt.field)
	}
}

func TestPointJSON(t *testing.T) {
	got, err := json.Marshal(Point{36.45, 115.98})
	if want := `{"lat":36.45,"lon":115.98}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b      Point
		want, off float64
	}{
		{Point{36.45, 115.98}, Point{36.45, 115.98}, 0, 0},
		{Point{0, 0}, Point{0, 180}, math.Pi * earthRadius, 1e-9},
		{Point{90, 0}, Point{-90, 77}, math.Pi * earthRadius, 1e-9},
		{Point{0, 0}, Point{1, 0}, 111.195, 0.001},
		{Point{60, 10}, Point{60, 11}, 55.6, 0.01}, // half as far as at the equator
		{Point{0, 179.5}, Point{0, -179.5}, 111.195, 0.001},
		{Point{39.9042, 116.4074}, Point{31.2304, 121.4737}, 1067, 2}, // Beijing to Shanghai
	}
	for _, tt := range tests {
		if got := Distance(tt.a, tt.b); math.Abs(got-tt.want) > tt.off {
			t.Errorf("Distance(%v, %v) = %f, want %f", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	point := rapid.Custom(func(t *rapid.T) Point {
		return Point{rapid.Float64Range(-90, 90).Draw(t, "lat"), rapid.Float64Range(-180, 180).Draw(t, "lon")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := point.Draw(t, "a"), point.Draw(t, "b"), point.Draw(t, "c")
		// Near antipodes the haversine is good to some tens of metres only.
		const off = 0.1
		ab, ba, bc, ac := Distance(a, b), Distance(b, a), Distance(b, c), Distance(a, c)
		switch {
		case math.IsNaN(ab), ab < 0, ab > math.Pi*earthRadius+1e-9:
			t.Fatalf("Distance(%v, %v) = %f", a, b, ab)
		case math.Abs(ab-ba) > 1e-9:
			t.Fatalf("there %f, back %f", ab, ba)
		case Distance(a, a) != 0:
			t.Fatalf("%v is %f from itself", a, Distance(a, a))
		case ac > ab+bc+off:
			t.Fatalf("%f is more than %f by way of a third point", ac, ab+bc)
		}
	})
}

// checkFault checks that err is nil where field is empty, and otherwise a
// complete fault on the field.
func checkFault(t testing.TB, err error, field string) {
	t.Helper()
	faults := fault.All(err)
	switch {
	case field == "":
		if err != nil {
			t.Errorf("refused: %v", err)
		}
	case len(faults) != 1:
		t.Errorf("got %v, want one fault on %s", err, field)
	case faults[0].Code != fault.Invalid || faults[0].Field != field || faults[0].Message == "" || faults[0].Fix == "":
		t.Errorf("got %+v, want a fault on %s with a message and a fix", faults[0], field)
	}
}
