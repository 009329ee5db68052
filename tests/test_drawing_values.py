"""Drawings compute what PEFT computes: each equation, with the layer's own tensors in it, gives its output."""

from __future__ import annotations

import peft
import pytest
import torch

from workbench.panels.anatomy.drawing.expression import (
    Apply,
    Beside,
    Hadamard,
    Kronecker,
    Matrix,
    Product,
    Repeat,
    Scale,
    Sum,
)
from workbench.panels.anatomy.drawing.layer import Layer
from workbench.panels.anatomy.drawing.picture import drawing_of

OUT, IN = 8, 12


def rows_of_length_one(value):
    return value / value.norm(dim=1, keepdim=True)


FUNCTIONS = {
    "rows of length 1": rows_of_length_one,
    "length 1": lambda value: value / value.norm(dim=0),
    "relu": torch.relu,
    "softmax": lambda value: torch.softmax(value, dim=0),
    "Re IDFT_2": lambda value: torch.fft.ifft2(value).real,
    "orthonormal columns": lambda value: torch.linalg.qr(value)[0],
    "Cayley": lambda q: torch.linalg.solve(
        torch.eye(len(q)) - q, torch.eye(len(q)) + q, left=False
    ),
}


def value_of(one, values):
    """Compute an expression; a name that is a list has one tensor for each place of an index."""
    match one:
        case Matrix():
            return values[one.name]
        case Product():
            return torch.linalg.multi_dot([value_of(factor, values) for factor in one.factors])
        case Sum():
            signs = [-1 if place in one.minus else 1 for place in range(len(one.terms))]
            terms = [value_of(term, values) for term in one.terms]
            return sum(sign * term for sign, term in zip(signs, terms, strict=True))
        case Hadamard():
            return value_of(one.left, values) * value_of(one.right, values)
        case Kronecker():
            return torch.kron(value_of(one.left, values), value_of(one.right, values))
        case Scale():
            number = values[one.factor.name] if one.factor else one.value
            number = float(one.symbol) if number is None else number
            return number * value_of(one.inner, values)
        case Apply():
            inner = value_of(one.inner, values)
            return inner.reshape(one.shape) if one.reshapes else FUNCTIONS[one.name](inner)
        case Repeat():
            total = None
            for place in range(one.n):
                here = {k: v[place] if isinstance(v, list) else v for k, v in values.items()}
                term = value_of(one.inner, here)
                total = term if total is None else total + term if one.sign == "Σ" else total @ term
            return total
        case Beside():
            parts = [value_of(item, values) for item in one.items]
            return torch.cat(parts, dim=0 if one.stacked else 1)
    raise TypeError(type(one).__name__)


def diag(vector):
    return torch.diag(vector.flatten())


def blocks(tensor):
    return torch.block_diag(*tensor)


def column(tensor):
    return tensor.reshape(-1, 1)


def gralora(layer):
    a, b = layer.gralora_A["default"], layer.gralora_B["default"]
    k, _, r = a.shape
    # Part j of what column n gives goes to place n of what row j reads.
    order = torch.arange(k * r).reshape(k, k, r // k).transpose(0, 1).flatten()
    return {
        "A": blocks(a.transpose(1, 2)),
        "B": blocks(b.transpose(1, 2)),
        "Π": torch.eye(k * r)[order],
    }


def osf(layer):
    low = layer.osf_svd_params["default"]
    u, s, v = torch.linalg.svd(layer.base_layer.weight, full_matrices=False)
    k = len(s) - len(low["S_low"])
    return {
        "U_{high}": u[:, :k],
        "Σ_{high}": diag(s[:k]),
        "V_{high}^T": v[:k],
        "U_{low}": low["U_low"],
        "Σ_{low}": diag(low["S_low"]),
        "V_{low}^T": low["V_low"],
    }


def skew_of(vector, size):
    rows, cols = torch.triu_indices(size, size, 1)
    matrix = torch.zeros(size, size)
    matrix[rows, cols] = vector
    return matrix - matrix.T


def psoft(layer):
    r, a, b = layer.psoft_R["default"], *layer._get_psoft_ab_cache_buffers("default")
    return {
        "A": a,
        "B": b,
        "I": torch.eye(r.size),
        "Q": skew_of(r.weight, r.size),
        "β": diag(r.vector_b),
        "α'": diag(r.vector_a),
    }


def randlora(layer):
    n, r = layer.num_bases, 3
    a, b = layer.randlora_A["default"], layer.randlora_B["default"]
    small, large = min(OUT, IN), max(OUT, IN)
    shared, columns = a[:, 0, :small], b[:large, :n].flatten(start_dim=1)
    # PEFT deals the random columns out to the bases in turn.
    each = [columns[:, i::n] for i in range(n)]
    assert shared.shape == (r, small) and OUT < IN
    return {
        "A^T": shared.T,
        "B_i^T": [one.T for one in each],
        "Λ_i": [diag(layer.randlora_lambda["default"][:, i]) for i in range(n)],
        "Γ_i": [diag(layer.randlora_gamma["default"][i]) for i in range(n)],
    }


def lora(layer):
    return {"A": layer.lora_A["default"].weight, "B": layer.lora_B["default"].weight}


def named(layer, **names):
    return {name: getattr(layer, attribute)["default"] for name, attribute in names.items()}


# The config, and the tensors of the layer by the names of the drawing.
CASES = {
    "lora": (peft.LoraConfig(r=3, lora_alpha=6), lora),
    "rslora": (peft.LoraConfig(r=4, lora_alpha=6, use_rslora=True), lora),
    "dora": (
        peft.LoraConfig(r=3, lora_alpha=6, use_dora=True),
        lambda one: lora(one) | {"m": column(one.lora_magnitude_vector["default"].weight)},
    ),
    "kasa": (
        peft.LoraConfig(r=3, lora_alpha=6, kasa_config=peft.KasaConfig()),
        lambda one: (
            lora(one)
            | {"ΔΣ": diag(one.lora_diag["default"]), "W_{cut}": one.base_layer.weight, "W": None}
        ),
    ),
    "adalora": (
        peft.AdaLoraConfig(init_r=3, lora_alpha=6, total_step=10),
        lambda one: named(one, P="lora_B", Q="lora_A") | {"Λ": diag(one.lora_E["default"])},
    ),
    "delora": (
        peft.DeloraConfig(r=3),
        lambda one: (
            named(one, A="delora_A", B="delora_B", λ="delora_lambda")
            | {
                "‖W‖": diag(one.delora_w_norm["default"]),
                "Ξ": diag(
                    1 / (one.delora_A["default"].norm(dim=1) * one.delora_B["default"].norm(dim=0))
                ),
            }
        ),
    ),
    "gralora": (peft.GraloraConfig(r=4, alpha=8, gralora_k=2), gralora),
    "glora": (
        peft.GloraConfig(r=3),
        lambda one: {
            "A_d": one.glora_A["default"].Xd,
            "A_u": one.glora_A["default"].Xu,
            "B_d": one.glora_B["default"].Xd,
            "B_u": one.glora_B["default"].Xu,
        },
    ),
    "loha": (
        peft.LoHaConfig(r=3, alpha=6),
        lambda one: named(one, B_1="hada_w1_a", A_1="hada_w1_b", B_2="hada_w2_a", A_2="hada_w2_b"),
    ),
    "lokr": (peft.LoKrConfig(r=4, alpha=8), lambda one: named(one, C="lokr_w1", D="lokr_w2")),
    "hira": (peft.HiraConfig(r=3), lambda one: named(one, A="hira_A", B="hira_B")),
    "miss": (
        peft.MissConfig(r=4),
        lambda one: {
            "D^T": one.miss_block["default"].T,
            "S": torch.eye(4).repeat(1, IN // 4),
        },
    ),
    "deft": (
        peft.DeftConfig(r=3),
        lambda one: (
            named(one, P="deft_P", R="deft_R") | {"relu(P)^T": torch.relu(one.deft_P["default"]).T}
        ),
    ),
    "osf": (peft.OSFConfig(effective_rank=5), osf),
    "fourierft": (
        peft.FourierFTConfig(n_frequency=10, scaling=150.0),
        lambda one: {
            "F": torch.zeros(OUT, IN).index_put(
                tuple(one.indices["default"]), one.fourierft_spectrum["default"]
            )
        },
    ),
    "vera": (
        peft.VeraConfig(r=3),
        lambda one: {
            "A": one.vera_A["default"][:, :IN],
            "B": one.vera_B["default"][:OUT],
            "Λ_d": diag(one.vera_lambda_d["default"]),
            "Λ_b": diag(one.vera_lambda_b["default"]),
        },
    ),
    "randlora": (peft.RandLoraConfig(r=3, randlora_alpha=6), randlora),
    "unilora": (
        peft.UniLoraConfig(r=2, theta_d_length=16),
        lambda one: {
            "A": (one.unilora_theta_d["default"][one.unilora_indices_A["default"]])
            * one.unilora_scales_A["default"],
            "B": (one.unilora_theta_d["default"][one.unilora_indices_B["default"]])
            * one.unilora_scales_B["default"],
        },
    ),
    "tinylora": (
        peft.TinyLoraConfig(r=2, u=5),
        lambda one: {
            "U √Σ": one.tinylora_B["default"],
            "√Σ V^T": one.tinylora_A["default"],
            "P": one.tinylora_P["default"].reshape(5, 4).T,
            "v": column(one.tinylora_v["default"]["0"]),
        },
    ),
    "hra": (
        peft.HRAConfig(r=3),
        lambda one: {
            "I": torch.eye(IN),
            "û_i": [column(u / u.norm()) for u in one.hra_u["default"].T],
            "û_i^T": [column(u / u.norm()).T for u in one.hra_u["default"].T],
        },
    ),
    "psoft": (peft.PsoftConfig(r=4, psoft_alpha=8), psoft),
    "oft": (
        peft.OFTConfig(r=0, oft_block_size=4),
        lambda one: {"R": one.oft_R["default"].get_weight().T, "R_i": None},
    ),
    "boft": (
        peft.BOFTConfig(boft_block_size=4),
        lambda one: {
            "R_{1}": one.get_delta_weight("default")[0].T,
            "R_{i,j}": None,
            "s": diag(one.boft_s["default"]),
        },
    ),
    "ia3": (
        peft.IA3Config(feedforward_modules=[]),
        lambda one: {"l": column(one.ia3_l["default"])},
    ),
    "peanut": (
        peft.PeanutConfig(r=3),
        lambda one: {
            "A": one.peanut_A["default"].weight,
            "B": one.peanut_B["default"].weight,
        },
    ),
}


class Model(torch.nn.Module):
    """One linear layer, as a model."""

    def __init__(self):
        super().__init__()
        self.config = {"model_type": "none"}
        self.q_proj = torch.nn.Linear(IN, OUT, bias=False)


@pytest.mark.parametrize("technique", CASES)
def test_the_drawn_equations_give_the_output_of_the_layer(technique):
    torch.manual_seed(0)
    config, tensors = CASES[technique]
    config.target_modules = ["q_proj"]
    model = peft.get_peft_model(Model(), config)
    layer = model.base_model.model.q_proj
    own = layer.base_layer.weight
    with torch.no_grad():  # what starts at 0 would hide what it is multiplied with
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn_like(parameter))
    args = {key: value for key, value in config.to_dict().items() if value is not None}
    shapes = {name: tuple(value.shape) for name, value in layer.named_parameters()}
    pieces = {name.replace(".default", "").replace(".weight", ""): s for name, s in shapes.items()}
    drawing = drawing_of(technique, Layer("q_proj", "Linear", OUT, IN, args=args, pieces=pieces))
    x = torch.randn(IN, 1)
    values = {"W": own, "x": x} | tensors(layer)
    model.eval()
    with torch.no_grad():
        # What the first equation refers to stands below it, the deepest last.
        for equation in reversed(drawing.equations[1:]):
            if equation.left.name not in values:
                values[equation.left.name] = value_of(equation.right, values)
        expected = layer(x.T).T
        torch.testing.assert_close(
            value_of(drawing.equations[0].right, values), expected, rtol=1e-4, atol=1e-4
        )
        assert not torch.allclose(expected, own @ x, atol=1e-3)
