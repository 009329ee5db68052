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
    """Pad token ids and their labels on the right, each to the longest: shape (rows, longest)."""
    inputs = pad_rows([row["input_ids"] for row in rows], pad_token_id, "right")
    width = max(len(row["labels"]) for row in rows)
    labels = [row["labels"] + [-100] * (width - len(row["labels"])) for row in rows]
    return {**inputs, "labels": torch.tensor(labels)}


def collate_flat(rows: list[dict]) -> dict[str, torch.Tensor]:
    """Put rows with a label per token behind one another: shape (1, tokens of all rows).

    Positions begin anew with each row; ``cu_seq_lens_q``, of shape (rows + 1,), says where rows end.
    """
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
    inputs = pad_rows([row["input_ids"] for row in rows], pad_token_id, "right")
    return {**inputs, "labels": torch.tensor([row["labels"] for row in rows])}


def collate_left(rows: list[dict], pad_token_id: int) -> dict[str, torch.Tensor]:
    """Pad rows with one label each on the left: a decoder's classifier reads the last token."""
    inputs = pad_rows([row["input_ids"] for row in rows], pad_token_id, "left")
    return {**inputs, "labels": torch.tensor([row["labels"] for row in rows])}


def collate_sources(rows: list[dict], pad_token_id: int) -> dict:
    """Pad what the encoder reads on the right, and keep the answers' tokens as they are."""
    inputs = pad_rows([row["input_ids"] for row in rows], pad_token_id, "right")
    return {**inputs, "answers": [row["answer_ids"] for row in rows]}


def collate_prompts(rows: list[dict], pad_token_id: int) -> dict:
    """Pad prompts on the left, so that every answer begins at the same place, and keep the answers."""
    inputs = pad_rows([row["prompt_ids"] for row in rows], pad_token_id, "left")
    return {**inputs, "answers": [row["answer_ids"] for row in rows]}


def pad_rows(rows: list[list[int]], pad_token_id: int, side: str) -> dict[str, torch.Tensor]:
    """Pad token ids to the longest row, with a mask that is 0 there: shapes (rows, longest)."""
    width = max(map(len, rows))
    gaps = [width - len(ids) for ids in rows]
    if side == "left":
        padded = [[pad_token_id] * gap + ids for ids, gap in zip(rows, gaps, strict=True)]
        mask = [[0] * gap + [1] * (width - gap) for gap in gaps]
    else:
        padded = [ids + [pad_token_id] * gap for ids, gap in zip(rows, gaps, strict=True)]
        mask = [[1] * (width - gap) + [0] * gap for gap in gaps]
    return {"input_ids": torch.tensor(padded), "attention_mask": torch.tensor(mask)}


def collate_images(rows: list[dict], processor) -> dict[str, torch.Tensor]:
    """Open images and bring them to the model's size and range of values.

    ``pixel_values`` has the shape (rows, channels, height, width).
    """
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
    """Keep one prompt as it is, and pad what each label would add to it on the right.

    ``words`` and ``is_word`` have the shape (labels, tokens of the longest).
    """
    (row,) = rows
    words = pad_rows(row["words"], pad_token_id, "right")
    return {
        "input_ids": torch.tensor([row["input_ids"]]),
        "words": words["input_ids"],
        "is_word": words["attention_mask"] == 1,
        "labels": torch.tensor([row["labels"]]),
    }


def lazy_batches(
    rows: list[dict], size: int, collate: Callable[[list[dict]], dict], device: torch.device
) -> DataLoader:
    """Batch rows in their order, anew for each evaluation: images are too large to be kept."""
    return DataLoader(
        rows,  # type: ignore[arg-type]  # any sequence will do
        batch_size=size,
        collate_fn=lambda part: send_to_device(collate(part), device),
        # Even a loader that does not shuffle draws a number.
        generator=torch.Generator(),
    )


def fixed_batches(
    rows: list, size: int, collate: Callable[[list], dict], device: torch.device
) -> list[dict]:
    """Batch rows in their order, once for all evaluations."""
    return [
        send_to_device(collate(rows[start : start + size]), device)
        for start in range(0, len(rows), size)
    ]
