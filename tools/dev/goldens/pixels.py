"""Goldens for vectorizer/processor: what Pillow and transformers make of image files.

Run from the repository root, in an environment with Pillow 13, transformers and, for "decode", imagecodecs:

    python tools/dev/goldens/pixels.py decode     image files and what Pillow reads from them, and how transparency and EXIF change it
    python tools/dev/goldens/pixels.py resize     hashes of resized noise, pass order of this Pillow
    python tools/dev/goldens/pixels.py bilinear   the same for Gemma 3's filter, pass order of Pillow 13
    python tools/dev/goldens/pixels.py normalize  hashes of the slow SigLIP processor's pixel values

"resize" is run once more with Pillow 12 (any environment), for the other pass order. Each run
writes its versions into its golden file. Nothing here is random: a second run changes no byte
unless a library changed.
"""

import hashlib
import io
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
import PIL
from PIL import Image, ImageDraw, ImageOps, features

TESTDATA = pathlib.Path("vectorizer/processor/testdata")
IMAGES = TESTDATA / "images"


def noise(width, height):
    """A hash of each byte's index, so that Go makes the same image without a file."""
    h = np.arange(width * height * 3, dtype=np.uint32)
    h ^= h >> 16
    h *= np.uint32(0x7FEB352D)
    h ^= h >> 15
    h *= np.uint32(0x846CA68B)
    h ^= h >> 16
    return Image.fromarray((h & 255).astype(np.uint8).reshape(height, width, 3), "RGB")


def page(width, height):
    """A small page: text, a coloured box, thin lines and a gradient, on white."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for x in range(width):
        draw.line([(x, height * 3 // 4), (x, height)], fill=(255 * x // width, 90, 255 - 255 * x // width))
    draw.text((4, 4), "Annual report 2023", fill=(20, 20, 120))
    draw.text((4, 18), "Net revenue, total", fill=(180, 30, 30))
    draw.rectangle([width // 2, height // 3, width * 9 // 10, height // 2], fill=(30, 160, 60), outline="black")
    draw.line([(0, height // 2), (width, height // 3)], fill=(255, 0, 255))
    return image


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def write_golden(name, golden):
    golden = {"versions": versions(), **golden}
    cases = golden.pop("cases")
    head = json.dumps(golden, indent=1).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    (TESTDATA / name).write_text(f'{head},\n "cases": [\n{lines}\n ]\n}}\n')
    print(name, "cases:", len(cases))


def versions():
    return {
        "pillow": PIL.__version__,
        "libjpeg_turbo": features.version("libjpeg_turbo"),
        "webp": features.version("webp"),
        "libtiff": features.version("libtiff"),
    }


# --- decode ---


def encoded(image, file_format, **options):
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def png_of_samples(width, height, bit_depth, color_type, rows):
    """A PNG of a kind that Pillow does not write."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, bit_depth, color_type, 0, 0, 0)
    body = b"".join(b"\0" + row for row in rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def with_sampling(jpeg, luma):
    """The same entropy-coded blocks under another sampling ratio: scrambled, but legal.

    Pillow writes neither 4:4:0 nor 4:1:1. A square whose side is a multiple of 32 has as many
    blocks of each as of 4:2:2 and 4:2:0.
    """
    at = jpeg.index(b"\xff\xc0") + 11
    return jpeg[:at] + bytes([luma]) + jpeg[at + 1 :]


def png_cases():
    base = page(61, 47)
    alpha = base.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(base.size))
    gray = base.convert("L")
    palette = base.quantize(16)
    transparent = base.quantize(7)
    yield "rgb.png", encoded(base, "PNG")
    yield "rgba.png", encoded(alpha, "PNG")
    yield "gray.png", encoded(gray, "PNG")
    yield "gray_alpha.png", encoded(alpha.convert("LA"), "PNG")
    yield "bilevel.png", encoded(base.convert("1"), "PNG")
    yield "palette4.png", encoded(palette, "PNG", bits=4)
    yield "palette8.png", encoded(base.quantize(200), "PNG")
    yield "palette_transparent.png", encoded(transparent, "PNG", transparency=bytes([0, 128, 255]))
    yield "rgb_transparent.png", encoded(base, "PNG", transparency=(255, 255, 255))
    yield "gray_transparent.png", encoded(gray, "PNG", transparency=255)
    yield "one.png", encoded(base.crop((5, 5, 6, 6)), "PNG")
    deep = np.arange(31 * 21 * 3, dtype=np.uint32).reshape(21, 31, 3) * 33 % 65536
    yield "rgb16.png", png_of_samples(31, 21, 16, 2, [row.astype(">u2").tobytes() for row in deep])
    quarter = [bytes((x * 7 + y) & 255 for x in range(8)) for y in range(21)]
    yield "gray2.png", png_of_samples(31, 21, 2, 0, quarter)
    yield "gray4.png", png_of_samples(16, 21, 4, 0, quarter)


def gif_cases():
    base = page(61, 47)
    frame = base.quantize(32)
    yield "plain.gif", encoded(frame, "GIF")
    yield "gray.gif", encoded(base.convert("L"), "GIF")
    yield "sequential.gif", encoded(frame, "GIF", interlace=0)
    yield "transparent.gif", encoded(frame, "GIF", transparency=3)
    yield "animated.gif", encoded(frame, "GIF", save_all=True, append_images=[page(61, 47).transpose(0).quantize(32)])
    for name, kind in [("offset.gif", {}), ("offset_transparent.gif", {"transparency": 3})]:
        blob = bytearray(encoded(frame, "GIF", comment=b"the frame lies within a larger screen", **kind))
        blob[6:10] = struct.pack("<HH", 80, 60)
        descriptor = blob.index(b"\x2c\0\0\0\0" + struct.pack("<HH", 61, 47))
        blob[descriptor + 1 : descriptor + 5] = struct.pack("<HH", 11, 7)
        yield name, bytes(blob)


def webp_cases():
    for width, height in [(1, 1), (2, 2), (3, 1), (2, 5), (33, 18), (61, 47)]:
        base = page(width, height)
        alpha = base.copy()
        alpha.putalpha(Image.linear_gradient("L").resize(base.size))
        size = f"{width}x{height}"
        yield f"lossy_{size}.webp", encoded(base, "WEBP", quality=60)
        yield f"lossy_alpha_{size}.webp", encoded(alpha, "WEBP", quality=75)
        yield f"lossless_{size}.webp", encoded(base, "WEBP", lossless=True)
    yield "lossless_alpha.webp", encoded(alpha, "WEBP", lossless=True)
    yield "lossy_noise.webp", encoded(noise(45, 44), "WEBP", quality=90)


def bmp_cases():
    base = page(61, 47)
    alpha = base.copy()
    alpha.putalpha(100)
    yield "rgb.bmp", encoded(base, "BMP")
    yield "rgba.bmp", encoded(alpha, "BMP")
    yield "gray.bmp", encoded(base.convert("L"), "BMP")
    yield "palette.bmp", encoded(base.quantize(20), "BMP")
    yield "bilevel.bmp", encoded(base.convert("1"), "BMP")


def tiff_cases():
    base = page(61, 47)
    alpha = base.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(base.size))
    bilevel = base.convert("1")
    for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]:
        short = compression.removeprefix("tiff_")
        yield f"rgb_{short}.tiff", encoded(base, "TIFF", compression=compression)
        yield f"gray_{short}.tiff", encoded(base.convert("L"), "TIFF", compression=compression)
    yield "rgb_predictor.tiff", encoded(base, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    yield "palette.tiff", encoded(base.quantize(40), "TIFF")
    yield "rgba.tiff", encoded(alpha, "TIFF")
    # ExtraSamples 1: the same bytes declared as multiplied by alpha, which Pillow divides out.
    yield "rgba_premultiplied.tiff", encoded(alpha, "TIFF", tiffinfo={338: 1})
    yield "bilevel.tiff", encoded(bilevel, "TIFF")
    for compression in ["group3", "group4"]:
        for photometric, name in [(0, "white0"), (1, "black0")]:
            blob = encoded(bilevel, "TIFF", compression=compression, tiffinfo={262: photometric})
            yield f"{compression}_{name}.tiff", blob
    for orientation in range(2, 9):
        yield f"orientation{orientation}.tiff", encoded(page(23, 17), "TIFF", tiffinfo={274: orientation})
    yield "orientation6_group4.tiff", encoded(bilevel, "TIFF", compression="group4", tiffinfo={274: 6})


def jpeg_cases():
    base = page(61, 47)
    for sampling in ["4:4:4", "4:2:2", "4:2:0"]:
        short = sampling.replace(":", "")
        for width, height in [(1, 1), (2, 2), (3, 3), (4, 5), (5, 4), (6, 1), (1, 7), (61, 47), (64, 48)]:
            yield f"{short}_{width}x{height}.jpg", encoded(page(width, height), "JPEG", quality=85, subsampling=sampling)
    square = page(96, 96)
    yield "440.jpg", with_sampling(encoded(square, "JPEG", quality=85, subsampling="4:2:2"), 0x12)
    yield "411.jpg", with_sampling(encoded(square, "JPEG", quality=85, subsampling="4:2:0"), 0x41)
    yield "progressive.jpg", encoded(base, "JPEG", progressive=True, quality=80)
    yield "noise.jpg", encoded(noise(40, 40), "JPEG", quality=50)
    yield "gray.jpg", encoded(base.convert("L"), "JPEG")
    yield "cmyk.jpg", encoded(base.convert("CMYK"), "JPEG", quality=90)
    yield "rgb.jpg", encoded(base, "JPEG", quality=90, keep_rgb=True)
    # EXIF says "rotate"; convert("RGB") does not.
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "exif_rotated.jpg", encoded(base, "JPEG", quality=90, exif=exif)


def inks(image):
    """CMYK with half of the grey taken over by black; convert("CMYK") leaves black empty."""
    cyan, magenta, yellow, _ = (np.asarray(channel).astype(int) for channel in image.convert("CMYK").split())
    black = np.minimum(np.minimum(cyan, magenta), yellow) // 2
    return np.dstack([cyan - black, magenta - black, yellow - black, black]).astype(np.uint8)


def ink_cases():
    """JPEGs of four channels: CMYK and YCCK, inverted as Photoshop has them and not, with and without an Adobe segment."""
    import imagecodecs

    def declaring(jpeg, transform):
        at = jpeg.index(b"\xff\xee\x00\x0eAdobe") + 15
        return jpeg[:at] + bytes([transform]) + jpeg[at + 1 :]

    def without_adobe(jpeg):
        at = jpeg.index(b"\xff\xee\x00\x0eAdobe")
        return jpeg[:at] + jpeg[at + 16 :]

    def cmyk(pixels, **options):  # Pillow inverts what it writes
        return encoded(Image.fromarray(pixels, "CMYK"), "JPEG", quality=90, **options)

    def ycck(pixels):  # Pillow writes none, and libjpeg halves the chroma of those it writes
        return imagecodecs.jpeg8_encode(pixels, level=90, colorspace="CMYK", outcolorspace="YCCK")

    printed = inks(page(61, 47))
    luma_and_chroma = [255 - np.asarray(c) for c in Image.fromarray(255 - printed[..., :3]).convert("YCbCr").split()]
    whole_ycck = np.dstack([*luma_and_chroma, printed[..., 3]])
    yield "cmyk_black.jpg", cmyk(printed)
    yield "cmyk_not_inverted.jpg", cmyk(255 - printed)
    yield "cmyk_progressive.jpg", cmyk(printed, progressive=True)
    yield "cmyk_no_adobe.jpg", without_adobe(cmyk(printed))
    yield "cmyk_420.jpg", declaring(ycck(255 - printed), 0)
    yield "ycck_444.jpg", declaring(cmyk(whole_ycck), 2)
    yield "ycck_444_progressive.jpg", declaring(cmyk(whole_ycck, progressive=True), 2)
    yield "ycck_unknown_transform.jpg", declaring(cmyk(whole_ycck), 1)
    for width, height in [(1, 1), (3, 3), (5, 4), (61, 47), (64, 48)]:
        yield f"ycck_420_{width}x{height}.jpg", ycck(255 - inks(page(width, height)))
    yield "ycck_not_inverted.jpg", ycck(printed)
    yield "ycck_no_adobe.jpg", without_adobe(ycck(255 - printed))


def tiff_of_strips(size, rows, photometric, samples, strips):
    """A TIFF of whole JPEGs, as scanners write them; libtiff keeps the tables of all in one place."""
    tags = [(256, [size[0]]), (257, [size[1]]), (258, [8] * samples), (259, [7]), (262, [photometric]), (273, []), (277, [samples])]
    tags += [(278, [rows]), (279, [len(strip) for strip in strips])]
    if photometric == 6:
        tags.append((530, [2, 2]))
    values_at = 8 + 2 + 12 * len(tags) + 4
    at = values_at + 4 * sum(len(values) for _, values in tags) + 4 * len(strips)
    for strip in strips:
        dict(tags)[273].append(at)
        at += len(strip)
    directory, outside = struct.pack("<H", len(tags)), b""
    for tag, values in tags:
        kind, width = (3, 2) if tag in (258, 259, 262, 277, 530) else (4, 4)
        packed = struct.pack(f"<{len(values)}{'H' if width == 2 else 'I'}", *values)
        if len(packed) > 4:
            outside, packed = outside + packed, struct.pack("<I", values_at + len(outside))
        directory += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    pixels_at = values_at + 4 * sum(len(values) for _, values in tags)
    head = b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", 0) + outside
    return head.ljust(pixels_at, b"\0") + b"".join(strips)


def jpeg_tiff_cases():
    base = page(61, 47)
    several = {"compression": "jpeg", "quality": 85, "strip_size": 61 * 16 * 3}
    yield "jpeg_rgb.tiff", encoded(base, "TIFF", **several)
    yield "jpeg_ycc.tiff", encoded(base.convert("YCbCr"), "TIFF", **several)
    yield "jpeg_gray.tiff", encoded(base.convert("L"), "TIFF", compression="jpeg")
    yield "jpeg_white0.tiff", encoded(base.convert("L"), "TIFF", compression="jpeg", tiffinfo={262: 0})
    yield "jpeg_orientation6.tiff", encoded(base, "TIFF", **several, tiffinfo={274: 6})
    frames = [page(40, 56), page(64, 48).convert("YCbCr")]
    yield "jpeg_pages.tiff", encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:], compression="jpeg", quality=90)

    def strips(image, rows, **options):
        boxes = [(0, top, image.width, min(top + rows, image.height)) for top in range(0, image.height, rows)]
        return [encoded(image.crop(box), "JPEG", quality=85, **options) for box in boxes]

    yield "jpeg_whole_420.tiff", tiff_of_strips(base.size, 16, 6, 3, strips(base, 16, subsampling="4:2:0"))
    padded = Image.new("RGB", (61, 48), "white")
    padded.paste(base)
    yield "jpeg_padded.tiff", tiff_of_strips(base.size, 16, 6, 3, strips(padded, 16, subsampling="4:2:0"))
    # What a JPEG says of its colours does not count inside of a TIFF: RGB here, though it says YCbCr.
    stored = Image.frombytes("YCbCr", base.size, base.tobytes())
    yield "jpeg_mislabelled.tiff", tiff_of_strips(base.size, 24, 2, 3, strips(stored, 24, subsampling="4:4:4"))


def deep_gray_cases():
    """16-bit grey, where Pillow's convert clips at 255 and the product keeps the high byte."""
    deep = (np.arange(31 * 21, dtype=np.uint32).reshape(21, 31) * 97 % 65536).astype(np.uint16)
    high = np.repeat((deep >> 8).astype(np.uint8)[..., None], 3, axis=2)
    image = Image.fromarray(deep)
    yield "gray16.png", encoded(image, "PNG"), high
    yield "gray16.tiff", encoded(image, "TIFF"), high


def view_cases():
    """Files whose EXIF says how they lie, in every format that has one."""
    base = page(61, 47)

    def exif(orientation):
        block = Image.Exif()
        block[0x010F] = "camera"
        block[0x0112] = orientation
        return block

    for orientation in [3, 6, 7]:
        yield f"exif{orientation}.jpg", encoded(page(23, 17), "JPEG", quality=95, exif=exif(orientation))
    for orientation in [1, 5, 8]:
        yield f"exif{orientation}.png", encoded(page(23, 17), "PNG", exif=exif(orientation))
    for orientation in [2, 4]:
        yield f"exif{orientation}.webp", encoded(page(23, 17), "WEBP", lossless=True, exif=exif(orientation))
    alpha = base.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(base.size))
    yield "exif6_alpha.webp", encoded(alpha, "WEBP", quality=70, exif=exif(6))
    yield "exif6_alpha.png", encoded(alpha, "PNG", exif=exif(6))


# Of the files of "decode": those with transparency of any kind, and some without.
TRANSPARENT = [
    "rgb.png", "rgba.png", "gray_alpha.png", "palette_transparent.png", "rgb_transparent.png", "gray_transparent.png", "transparent.gif",
    "offset.gif", "offset_transparent.gif", "lossy_alpha_33x18.webp", "lossy_alpha_61x47.webp", "lossless_alpha.webp", "lossy_61x47.webp",
    "rgba.tiff", "rgba_premultiplied.tiff", "group4_black0.tiff", "gray.bmp",
]  # fmt: skip


def on_white(image):
    image = image.convert("RGBA")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def views():
    cases = []

    def add(name, blob, alpha, upright):
        image = Image.open(io.BytesIO(blob))
        if upright:
            image = ImageOps.exif_transpose(image)
        image = on_white(image) if alpha == "white" else image.convert("RGB")
        case = {"file": name, "alpha": alpha, "upright": upright, "width": image.width, "height": image.height}
        if name.endswith(".jpg"):
            case["reference"] = name.removesuffix(".jpg") + f"_{'upright' if upright else 'stored'}_reference.png"
            image.save(IMAGES / case["reference"], optimize=True)
        else:
            case["rgb_sha256"] = sha256(np.asarray(image).tobytes())
        cases.append(case)

    for name in TRANSPARENT:
        add(name, (IMAGES / name).read_bytes(), "white", False)
    for name, blob in view_cases():
        (IMAGES / name).write_bytes(blob)
        for upright in (False, True):
            add(name, blob, "white" if "alpha" in name else "drop", upright)
    write_golden("views.json", {"cases": cases})


def decode():
    IMAGES.mkdir(parents=True, exist_ok=True)
    for old in IMAGES.iterdir():
        old.unlink()
    cases = []

    def add(name, blob, pixels, exact):
        (IMAGES / name).write_bytes(blob)
        height, width = pixels.shape[:2]
        case = {"file": name, "width": width, "height": height}
        if exact:
            case["rgb_sha256"] = sha256(pixels.tobytes())
        else:
            case["reference"] = name.replace(".", "_") + "_reference.png"
            Image.fromarray(pixels).save(IMAGES / case["reference"], optimize=True)
        cases.append(case)

    for make in [png_cases, gif_cases, webp_cases, bmp_cases, tiff_cases, jpeg_cases, ink_cases, jpeg_tiff_cases]:
        for name, blob in make():
            pixels = np.asarray(Image.open(io.BytesIO(blob)).convert("RGB"))
            add(name, blob, pixels, exact=make not in (jpeg_cases, ink_cases, jpeg_tiff_cases))
    for name, blob, pixels in deep_gray_cases():
        add(name, blob, pixels, exact=True)
    write_golden("decode.json", {"cases": cases})
    views()


# --- resize ---

SIZES = [
    # Pages as people have them, to the input sizes of models.
    *[(w, h, 448, 448) for w, h in [(850, 1100), (1240, 1754), (612, 792), (595, 842), (1100, 850), (1920, 1080)]],
    *[(w, h, 224, 224) for w, h in [(850, 1100), (612, 792), (640, 480)]],
    # Up, down, both, one side unchanged, nothing to do.
    (100, 80, 448, 448), (448, 448, 448, 448), (448, 900, 448, 448), (900, 448, 448, 448),
    (447, 449, 448, 448), (100, 1000, 200, 300), (1000, 100, 300, 200), (37, 53, 64, 17), (53, 37, 17, 64),
    # Around the rule of the pass order: the height shrinks by twice the width's loss, and one more.
    (110, 120, 100, 100), (110, 121, 100, 100), (100, 101, 100, 100), (90, 101, 100, 100), (90, 99, 100, 100), (90, 80, 100, 100),
    # Degenerate.
    (1, 1, 448, 448), (1, 1, 1, 1), (2, 3, 1, 1), (1, 500, 20, 30), (500, 1, 20, 30), (3, 1000, 7, 9), (1000, 3, 9, 7), (5, 5, 1, 300),
    *[(w, h, ow, oh) for w, h in [(13, 29), (64, 31), (99, 100)] for ow, oh in [(7, 5), (28, 28), (33, 64), (130, 11)]],
]  # fmt: skip


def resize():
    major = int(PIL.__version__.split(".")[0])
    order = "pillow13" if major >= 13 else "pillow12"
    cases = []
    for width, height, to_width, to_height in SIZES:
        for name, resample in [("bicubic", Image.Resampling.BICUBIC), ("lanczos", Image.Resampling.LANCZOS)]:
            if name == "lanczos" and width * height > 500_000:
                continue  # the small ones prove the kernel, and Go's race detector makes large ones slow
            resized = noise(width, height).resize((to_width, to_height), resample)
            cases.append({"from": [width, height], "to": [to_width, to_height], "filter": name, "rgb_sha256": sha256(resized.tobytes())})
    write_golden(f"resize_{order}.json", {"pass_order": order, "cases": cases})


def bilinear():
    cases = []
    for width, height, to_width, to_height in [*SIZES, (850, 1100, 896, 896), (612, 792, 896, 896)]:
        resized = noise(width, height).resize((to_width, to_height), Image.Resampling.BILINEAR)
        case = {"from": [width, height], "to": [to_width, to_height], "filter": "bilinear"}
        cases.append({**case, "rgb_sha256": sha256(resized.tobytes())})
    write_golden("resize_bilinear.json", {"pass_order": "pillow13", "cases": cases})


# --- normalize ---


def normalize():
    import transformers
    from transformers import SiglipImageProcessor

    presets = {
        "siglip": {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]},
        "clip": {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]},
    }
    cases = []
    for preset, values in presets.items():
        for width, height, side in [(612, 792, 448), (300, 200, 224)]:
            processor = SiglipImageProcessor(size={"height": side, "width": side}, **values)
            pixel_values = processor([noise(width, height)], return_tensors="np")["pixel_values"][0]
            case = {"preset": preset, "mean": values["image_mean"], "std": values["image_std"], "from": [width, height], "side": side}
            case["pixel_values_sha256"] = sha256(pixel_values.astype("<f4").tobytes())
            cases.append(case)
    write_golden("normalize.json", {"transformers": transformers.__version__, "numpy": np.__version__, "cases": cases})


if __name__ == "__main__":
    {"decode": decode, "resize": resize, "bilinear": bilinear, "normalize": normalize}[sys.argv[1]]()
