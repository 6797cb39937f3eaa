"""peers_opencv.py -- OpenCV: blobFromImages, normalize, meanStdDev; its network module on models of the layers."""
import cv2
import numpy as np

import models
from models import Model
from workloads import Builder, Case, Run

cv2.setNumThreads(2)


def affine(case: Case) -> Run:
    """blobFromImages with a mean and a factor per channel: the whole job in one call."""
    _, _, height, width = case.row.shape
    images = list(np.moveaxis(case["x"], 1, -1))
    a, b = (v.astype(np.float64) for v in case.affine())
    params = cv2.dnn.Image2BlobParams()
    params.scalefactor, params.mean = (*a, 0.0), (*(-b / a), 0.0)
    params.size, params.ddepth = (width, height), cv2.CV_32F
    return lambda: cv2.dnn.blobFromImagesWithParams(images, params)


def denormalize(case: Case) -> Run:
    """Each plane by itself, a * x + 0 * x + b to bytes; then they are merged."""
    n, channels, height, width = case.row.shape
    x, factors = case["x"], [v.astype(np.float64) for v in case.back()]
    planes_of, y = np.empty((channels, height, width), np.uint8), np.empty((n, height, width, channels), np.uint8)

    def run() -> np.ndarray:
        for image, out in zip(x, y):
            for plane, to, a, b in zip(image, planes_of, *factors):
                cv2.addWeighted(plane, a, plane, 0.0, b, to, cv2.CV_8U)
            cv2.merge(list(planes_of), out)
        return np.moveaxis(y, -1, 1)
    return run


def planes(case: Case) -> tuple[list[np.ndarray], np.ndarray, list[np.ndarray]]:
    """Each image as one matrix; all the outputs, and one by one."""
    n, _, _, width = case.row.shape
    x, y = case["x"].reshape(n, -1, width), np.empty(case.row.shape, np.float32)
    return list(x), y, list(y.reshape(n, -1, width))


def minmax(case: Case) -> Run:
    x, y, out = planes(case)

    def run() -> np.ndarray:
        for source, target in zip(x, out):
            cv2.normalize(source, target, 0, 1, cv2.NORM_MINMAX)
        return y
    return run


def zscore_two(case: Case) -> Run:
    x, y, out = planes(case)

    def run() -> np.ndarray:
        for source, target in zip(x, out):
            mean, std = cv2.meanStdDev(source)
            cv2.subtract(source, float(mean[0, 0]), target)
            cv2.multiply(target, 1 / float(std[0, 0]), target)
        return y
    return run


def zscore_weighted(case: Case) -> Run:
    """One pass to map: a * x + 0 * x + b."""
    x, y, out = planes(case)

    def run() -> np.ndarray:
        for source, target in zip(x, out):
            mean, std = (float(v[0, 0]) for v in cv2.meanStdDev(source))
            cv2.addWeighted(source, 1 / std, source, 0.0, -mean / std, target)
        return y
    return run


def network(model: Model) -> Run:
    """It takes a copy of x, which is no part of the call that counts."""
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model.serialized(), np.uint8))
    net.setInput(model.x)
    return net.forward


PEERS: dict[str, dict[str, Builder]] = {
    "affine": {"OpenCV: blobFromImages": affine},
    "denormalize": {"OpenCV: addWeighted, merge": denormalize},
    "minmax": {"OpenCV: normalize": minmax},
    "zscore": {"OpenCV: subtract, multiply": zscore_two, "OpenCV: addWeighted": zscore_weighted},
} | {family: {"OpenCV: dnn": lambda case, model=model: network(model(case))} for family, model in models.LAYERS.items()}
