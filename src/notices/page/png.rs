//! Points to a small PNG: a chart has few colours, and a palette of them makes a third of the bytes.

use std::collections::BTreeMap;

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};

type Colour = [u8; 3];

/// `points`: red, green and blue of each, line by line.
pub fn write(points: &[u8], width: u32, height: u32) -> Result<Vec<u8>, EncodingError> {
    let (points, _) = points.as_chunks::<3>();
    // The shades at the edges of letters are many; eyes tell fewer.
    let indexed = [3, 4].into_iter().find_map(|bits| indexed(points, bits));
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    let bytes = match indexed {
        Some((palette, bytes)) => {
            encoder.set_color(ColorType::Indexed);
            encoder.set_palette(palette.into_flattened());
            encoder.set_filter(Filter::NoFilter);
            bytes
        }
        None => {
            encoder.set_color(ColorType::Rgb);
            points.as_flattened().to_vec()
        }
    };
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&bytes)?;
    writer.finish()?;
    Ok(file)
}

/// Colours that differ in so many low bits alone become the most frequent one of them. `None`:
/// there are more of them than a palette has room for.
fn indexed(points: &[Colour], bits: u8) -> Option<(Vec<Colour>, Vec<u8>)> {
    let mut frequent: BTreeMap<Colour, usize> = BTreeMap::new();
    for point in points {
        *frequent.entry(*point).or_default() += 1;
    }
    let mut frequent: Vec<(Colour, usize)> = frequent.into_iter().collect();
    frequent.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut palette = Vec::new();
    let mut places = BTreeMap::new();
    let mut exact = BTreeMap::new();
    for (colour, _) in frequent {
        let place = *places
            .entry(colour.map(|part| part >> bits))
            .or_insert_with(|| {
                palette.push(colour);
                palette.len() - 1
            });
        exact.insert(colour, u8::try_from(place).ok()?);
    }
    let bytes = points.iter().filter_map(|point| exact.get(point).copied());
    Some((palette, bytes.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &[u8]) -> (ColorType, Vec<u8>) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut points = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut points).unwrap();
        (reader.info().color_type, points)
    }

    #[test]
    fn few_colours_stay_as_they_are() {
        let points = [0, 0, 0, 255, 255, 255, 10, 20, 200, 0, 0, 0];
        let (kind, read) = read(&write(&points, 2, 2).unwrap());
        assert_eq!((kind, read.as_slice()), (ColorType::Indexed, &points[..]));
    }

    #[test]
    fn shades_become_the_most_frequent_of_them() {
        let points = [250, 250, 250, 255, 255, 255, 255, 255, 255, 0, 0, 0];
        let (_, read) = read(&write(&points, 4, 1).unwrap());
        assert_eq!(read, [255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0]);
    }

    #[test]
    fn too_many_colours_for_a_palette_are_written_as_they_are() {
        let points: Vec<u8> = (0..4096_u32)
            .flat_map(|at| {
                [
                    (at / 256 * 16) as u8,
                    (at / 16 % 16 * 16) as u8,
                    (at % 16 * 16) as u8,
                ]
            })
            .collect();
        let (kind, read) = read(&write(&points, 64, 64).unwrap());
        assert_eq!((kind, read), (ColorType::Rgb, points));
    }
}
