package market

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"hezuo/fault"
)

// To regenerate, unpack npm's china-division 2.7.0 and set CHINA_DIVISION to
// its directory; see internal/placegen.
//
//go:generate go run ./internal/placegen -division $CHINA_DIVISION

// placesJSON holds the counties and towns of Liaocheng, from npm's package
// china-division 2.7.0 (MIT by its package.json, WTFPL 2 by its LICENSE file),
// itself from the National Bureau of Statistics' divisions of 2023.
//
//go:embed places.json
var placesJSON []byte

// Place is a county-level or township-level division of China. The codes and
// names are those of npm's package china-division 2.7.0 (MIT by its
// package.json, WTFPL 2 by its LICENSE file); the positions are our own.
type Place struct {
	// Code is the GB/T 2260 code of six digits of a county, or the
	// statistical code of nine digits of a town, which begins with its
	// county's.
	Code string `json:"code"`
	// Name is the official Chinese name.
	Name string `json:"name"`
	// English is the name in pinyin, without tones. Towns have none.
	English string `json:"english,omitempty"`
	// Parent is the code of the county of a town, or of the city of a county.
	Parent string `json:"parent"`
	// Lat and Lon are in degrees, WGS-84, right to about a kilometre. Maps
	// made in China use GCJ-02, which lies some hundred metres off.
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
	// Approximate says that the position is that of the county's seat, not
	// the place's own: no public table of the towns' positions exists.
	Approximate bool `json:"approximate"`
}

// placeIndex is placesJSON indexed. Nobody may change it once it is made.
type placeIndex struct {
	byCode   map[string]Place
	counties []Place
	towns    map[string][]Place
}

var loadPlaces = sync.OnceValue(func() placeIndex {
	p, err := parsePlaces(placesJSON)
	if err != nil {
		panic("market: the embedded places.json is corrupt: " + err.Error())
	}
	return p
})

// parsePlaces relies on the file's order: a county stands before its towns.
func parsePlaces(data []byte) (placeIndex, error) {
	var file struct {
		Places []Place `json:"places"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return placeIndex{}, err
	}
	p := placeIndex{byCode: make(map[string]Place, len(file.Places)), towns: make(map[string][]Place)}
	for _, place := range file.Places {
		if _, ok := p.byCode[place.Code]; ok {
			return placeIndex{}, fmt.Errorf("%s stands twice", place.Code)
		}
		switch len(place.Code) {
		case 6:
			p.counties = append(p.counties, place)
		case 9:
			county, ok := p.byCode[place.Parent]
			if !ok {
				return placeIndex{}, fmt.Errorf("%s stands before its county", place.Code)
			}
			place.Lat, place.Lon, place.Approximate = county.Lat, county.Lon, true
			p.towns[place.Parent] = append(p.towns[place.Parent], place)
		default:
			return placeIndex{}, fmt.Errorf("%q is no code of a county or town", place.Code)
		}
		p.byCode[place.Code] = place
	}
	if len(p.counties) == 0 {
		return placeIndex{}, errors.New("no counties")
	}
	return p, nil
}

// PlaceByCode returns the county or town with the code. A town has its
// county's coordinates, with Approximate set.
func PlaceByCode(code string) (Place, bool) {
	p, ok := loadPlaces().byCode[code]
	return p, ok
}

// Counties returns the counties, by code. The caller may change the slice.
func Counties() []Place {
	return slices.Clone(loadPlaces().counties)
}

// Towns returns the towns of the county with the code, by code; none if no
// county has it. The caller may change the slice.
func Towns(county string) []Place {
	return slices.Clone(loadPlaces().towns[county])
}

// Point is a position on the earth in degrees, WGS-84.
type Point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Validate refuses what is no position, with a fault on the field lat or lon.
// It names no coordinate: where a person stands is personal data.
func (p Point) Validate() error {
	// Asking for what is right, not for what is wrong, also refuses NaN.
	if !(math.Abs(p.Lat) <= 90) {
		return fault.Field("lat", "The latitude is not a number from -90 to 90.", "Give degrees, such as 36.45.")
	}
	if !(math.Abs(p.Lon) <= 180) {
		return fault.Field("lon", "The longitude is not a number from -180 to 180.", "Give degrees, such as 115.98.")
	}
	return nil
}

// earthRadius is the mean radius in kilometres (IUGG).
const earthRadius = 6371.0088

// Distance returns the great-circle distance in kilometres between two valid
// points, by the haversine formula: as the crow flies, at most 0.6 % off the
// ellipsoid. A road is longer.
func Distance(a, b Point) float64 {
	const radian = math.Pi / 180
	lat := math.Sin((b.Lat - a.Lat) * radian / 2)
	lon := math.Sin((b.Lon - a.Lon) * radian / 2)
	h := lat*lat + math.Cos(a.Lat*radian)*math.Cos(b.Lat*radian)*lon*lon
	// Rounding can lift h above 1 for antipodes, where Asin would give NaN.
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}
