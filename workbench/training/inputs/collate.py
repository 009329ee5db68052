"""From encoded rows to padded batches. Exported scripts carry these functions' source."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from itertools import accumulate

import torch
from accelerate.utils import send_to_device
from PIL import Image, ImageOps
from torch.utils.data import DataLoader


def collate_tokens(rows: list[dict], pad_token_id: int) -> dict[str, torch.Tensor]:
    """Pad rows with a label per token on the right, to the batch's longest."""
    width = max(len(row["input_ids"]) for row in rows)
    gaps = [width - len(row["input_ids"]) for row in rows]
    pairs = list(zip(rows, gaps, strict=True))
    return {
        "input_ids": torch.tensor([row["input_ids"] + [pad_token_id] * gap for row, gap in pairs]),
        "attention_mask": torch.tensor([[1] * (width - gap) + [0] * gap for gap in gaps]),
        "labels": torch.tensor([row["labels"] + [-100] * gap for row, gap in pairs]),
    }


def collate_flat(rows: list[dict]) -> dict[str, torch.Tensor]:
    """Put rows with a label per token behind one another, and say where each ends."""
    lengths = [len(row["input_ids"]) for row in rows]
    return {
        "input_ids": torch.tensor([[number for row in rows for number in row["input_ids"]]]),
        "position_ids": torch.tensor([[place for length in lengths for place in range(length)]]),
        # Nothing comes before the first token of a row, so it is not a target.
        "labels": torch.tensor([[label for row in rows for label in [-100, *row["labels"][1:]]]]),
        "cu_seq_lens_q": torch.tensor([0, *accumulate(lengths)]),
    }


def collate_right(rows: list[dict], pad_token_id: int) -> dict[str, torch.Tensor]:
    """Pad rows with one label each on the right, as encoders expect."""
    width = max(len(row["input_ids"]) for row in rows)
    gaps = [width - len(row["input_ids"]) for row in rows]
    pairs = list(zip(rows, gaps, strict=True))
    return {
        "input_ids": torch.tensor([row["input_ids"] + [pad_token_id] * gap for row, gap in pairs]),
        "attention_mask": torch.tensor([[1] * (width - gap) + [0] * gap for gap in gaps]),
        "labels": torch.tensor([row["labels"] for row in rows]),
    }


def collate_left(rows: list[dict], pad_token_id: int) -> dict[str, torch.Tensor]:
    """Pad rows with one label each on the left: a decoder's classifier reads the last token."""
    width = max(len(row["input_ids"]) for row in rows)
    gaps = [width - len(row["input_ids"]) for row in rows]
    pairs = list(zip(rows, gaps, strict=True))
    return {
        "input_ids": torch.tensor([[pad_token_id] * gap + row["input_ids"] for row, gap in pairs]),
        "attention_mask": torch.tensor([[0] * gap + [1] * (width - gap) for gap in gaps]),
        "labels": torch.tensor([row["labels"] for row in rows]),
    }


def collate_pairs(rows: list[dict], pad_token_id: int) -> dict[str, torch.Tensor]:
    """Pad what the encoder reads and what the decoder writes on the right, each to its longest."""
    width = max(len(row["input_ids"]) for row in rows)
    label_width = max(len(row["labels"]) for row in rows)
    gaps = [width - len(row["input_ids"]) for row in rows]
    pairs = list(zip(rows, gaps, strict=True))
    return {
        "input_ids": torch.tensor([row["input_ids"] + [pad_token_id] * gap for row, gap in pairs]),
        "attention_mask": torch.tensor([[1] * (width - gap) + [0] * gap for gap in gaps]),
        "labels": torch.tensor(
            [row["labels"] + [-100] * (label_width - len(row["labels"])) for row in rows]
        ),
    }


def collate_sources(rows: list[dict], pad_token_id: int) -> dict:
    """Pad what the encoder reads on the right, and keep the answers as texts."""
    width = max(len(row["input_ids"]) for row in rows)
    gaps = [width - len(row["input_ids"]) for row in rows]
    pairs = list(zip(rows, gaps, strict=True))
    return {
        "input_ids": torch.tensor([row["input_ids"] + [pad_token_id] * gap for row, gap in pairs]),
        "attention_mask": torch.tensor([[1] * (width - gap) + [0] * gap for gap in gaps]),
        "answers": [row["answer"] for row in rows],
    }


def collate_prompts(rows: list[dict], pad_token_id: int) -> dict:
    """Pad prompts on the left, so that every answer begins at the same place."""
    width = max(len(row["prompt_ids"]) for row in rows)
    gaps = [width - len(row["prompt_ids"]) for row in rows]
    pairs = list(zip(rows, gaps, strict=True))
    return {
        "input_ids": torch.tensor([[pad_token_id] * gap + row["prompt_ids"] for row, gap in pairs]),
        "attention_mask": torch.tensor([[0] * gap + [1] * (width - gap) for gap in gaps]),
        "answers": [row["answer"] for row in rows],
    }


def collate_images(rows: list[dict], processor) -> dict[str, torch.Tensor]:
    """Open images and bring them to the size and the range of values that the model reads."""
    images = [open_image(row["image"]) for row in rows]
    return {
        "pixel_values": processor(images, return_tensors="pt")["pixel_values"],
        "labels": torch.tensor([row["labels"] for row in rows]),
    }


def open_image(image: str | bytes) -> Image.Image:
    """Open an image from its path or its bytes, upright and in colour."""
    try:
        with Image.open(BytesIO(image) if isinstance(image, bytes) else image) as opened:
            return ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError) as error:
        name = f"of {len(image):,} bytes" if isinstance(image, bytes) else repr(image)
        raise ValueError(f"the image {name} cannot be read ({error})") from error


def collate_words(rows: list[dict], pad_token_id: int) -> dict[str, torch.Tensor]:
    """Keep one prompt as it is, and pad what each label would add to it on the right."""
    (row,) = rows
    width = max(map(len, row["words"]))
    gaps = [width - len(ids) for ids in row["words"]]
    pairs = list(zip(row["words"], gaps, strict=True))
    return {
        "input_ids": torch.tensor([row["input_ids"]]),
        "words": torch.tensor([ids + [pad_token_id] * gap for ids, gap in pairs]),
        "is_word": torch.tensor([[True] * len(ids) + [False] * gap for ids, gap in pairs]),
        "labels": torch.tensor([row["labels"]]),
    }


def lazy_batches(
    rows: list[dict], size: int, collate: Callable[[list[dict]], dict], device: torch.device
) -> DataLoader:
    """Batch rows in their order, anew for each evaluation: images are too large to be kept."""
    return DataLoader(
        rows,
        batch_size=size,
        collate_fn=lambda part: send_to_device(collate(part), device),
        # Even a loader that does not shuffle draws a number.
        generator=torch.Generator(),
    )


def fixed_batches(
    rows: list, size: int, collate: Callable[[list], dict], device: torch.device
) -> list[dict]:
    """Batch rows in their order, once for all evaluations."""
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [send_to_device(collate(part), device) for part in parts]
